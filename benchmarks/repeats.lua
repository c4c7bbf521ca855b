-- For wrk: posts an image, of which a share has the bytes of earlier ones, and prints the measurements.
local file = assert(io.open(os.getenv("IMAGE"), "rb"))
local image = file:read("*a")
file:close()

local share = tonumber(os.getenv("SHARE"))
local known = tonumber(os.getenv("KNOWN"))
local sent = known
math.randomseed(tonumber(os.getenv("SEED")))

-- Bytes behind the end of a JPEG make it another file, which is decoded alike.
function request()
    local number = math.random(known)
    if math.random() >= share then
        sent = sent + 1
        number = sent
    end
    return wrk.format("POST", nil, {["Content-Type"] = "image/jpeg"}, image .. os.getenv("SEED") .. "-" .. number)
end

dofile(os.getenv("REPORT"))
