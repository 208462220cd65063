include("$(PORT_DIR)/boards/manifest.py")
include("../../lib/manifest.py")
