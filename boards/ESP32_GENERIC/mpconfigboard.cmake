include(boards/ESP32_GENERIC/mpconfigboard.cmake)
include(${MICROPY_BOARD_DIR}/../../firmware/esp32.cmake)
