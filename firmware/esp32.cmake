# What every ESP32 board of ours adds to upstream's board of its name.
set(TLSRESUME_FIRMWARE_DIR ${CMAKE_CURRENT_LIST_DIR})
list(APPEND SDKCONFIG_DEFAULTS ${TLSRESUME_FIRMWARE_DIR}/sdkconfig.tlsresume)
list(APPEND USER_C_MODULES ${TLSRESUME_FIRMWARE_DIR}/micropython.cmake)
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
