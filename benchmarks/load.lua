-- For wrk: posts one image again and again, as a form or, with TYPE, as the body, and prints the measurements as JSON.
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

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "seconds": %.3f, "refused": %d, "failed": %d, "p50": %.3f, "p99": %.3f}\n',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
