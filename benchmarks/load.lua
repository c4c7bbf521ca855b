-- For wrk: posts one image again and again, as a form or, with TYPE, as the body, and prints the measurements.
local file = assert(io.open(os.getenv("IMAGE"), "rb"))
local image = file:read("*a")
file:close()

local field = os.getenv("FIELD") or "image"
local boundary = "------------------------benchmark"
wrk.method = "POST"
wrk.headers["Content-Type"] = "multipart/form-data; boundary=" .. boundary
wrk.body = "--" .. boundary .. "\r\n"
    .. 'Content-Disposition: form-data; name="' .. field .. '"; filename="image.jpg"\r\n'
    .. "Content-Type: image/jpeg\r\n\r\n"
    .. image .. "\r\n--" .. boundary .. "--\r\n"

local media_type = os.getenv("TYPE")
if media_type then
    wrk.headers["Content-Type"] = media_type
    wrk.body = image
end
local header_name, header_value = (os.getenv("HEADER") or ""):match("^(.-): (.*)$")
if header_name then wrk.headers[header_name] = header_value end

dofile(os.getenv("REPORT"))
