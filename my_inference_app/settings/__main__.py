from .table import table

print(table())
