#include "ports/esp32/boards/ESP32_GENERIC/mpconfigboard.h"
