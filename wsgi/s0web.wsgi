"""What Apache's mod_wsgi loads, once, at its start and before any request: see apache/s0web.conf.

The INI file is the one that S0WEB_INI names in Apache's environment (on Debian a line in
/etc/apache2/envvars: export S0WEB_INI=/path/to/s0web.ini), else /var/lib/s0web/s0web.ini.
"""

from s0web import bot
from s0web.web.wsgi import application, start, station  # noqa: F401 - mod_wsgi asks for application

start()
bot.start(station)
