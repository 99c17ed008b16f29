-- Keep a request that went well out of the access logs of all sites; see s0web.conf.

require "apache2"

function quiet(r)
    if r.status < 400 then
        return apache2.DONE -- no further log is asked
    end
    return apache2.DECLINED
end
