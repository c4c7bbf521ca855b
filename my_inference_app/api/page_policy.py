"""What browsers may load on the pages, and which images they offer to choose."""

# A page consists of forms, style sheets, scripts and images, all from here. The browser blocks everything else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
ACCEPT = "image/jpeg,image/png,image/webp,image/gif,image/bmp"
