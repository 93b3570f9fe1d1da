"""Write the package of a new plugin, from the templates beside this file.

names = names_of("margin", "attack")      # names.py: of the package, its module, its class, ...
write_package(names, "models", folder)   # package.py: all files

A kind of component may have several roles, such as the places where a mechanism acts; each has a module
and tests of its own in templates/.
"""

from privbench.plugins.new.names import Names, names_of
from privbench.plugins.new.package import ROLES, write_package

__all__ = ["ROLES", "Names", "names_of", "write_package"]
