# Tests, emulators, benches and the demo
#
# This file may be distributed under the terms of the GNU GPLv3 license.
