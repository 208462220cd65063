// As ESP-IDF's: lwIP itself has none.
#include "lwip/sockets.h"
