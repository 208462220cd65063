# What every ESP32 board gets, after upstream's board and variant.
set(TLSRESUME_FIRMWARE_DIR ${CMAKE_CURRENT_LIST_DIR})
list(APPEND SDKCONFIG_DEFAULTS ${TLSRESUME_FIRMWARE_DIR}/sdkconfig.tlsresume)
list(APPEND USER_C_MODULES ${TLSRESUME_FIRMWARE_DIR}/micropython.cmake)
# What the board freezes is frozen, too; a path is relative to the port's folder.
if(NOT MICROPY_FROZEN_MANIFEST)
    set(MICROPY_FROZEN_MANIFEST boards/manifest.py)
endif()
get_filename_component(MICROPY_MANIFEST_UPSTREAM ${MICROPY_FROZEN_MANIFEST} ABSOLUTE)
set(MICROPY_FROZEN_MANIFEST ${TLSRESUME_FIRMWARE_DIR}/esp32/manifest.py)
