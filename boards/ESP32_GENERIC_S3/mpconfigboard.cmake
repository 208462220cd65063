include(boards/ESP32_GENERIC_S3/mpconfigboard.cmake)
include(${MICROPY_BOARD_DIR}/../../firmware/esp32.cmake)
