include("$(MPY_DIR)/extmod/asyncio")
include("../../lib/manifest.py")
