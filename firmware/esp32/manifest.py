include("$(UPSTREAM)")
include("../../lib/manifest.py")
