// Of ESP-IDF's lwIP what decides on its headers: BSD sockets, and IPv6.
#include <sys/time.h>
#define LWIP_TIMEVAL_PRIVATE 0
#define LWIP_SOCKET 1
#define LWIP_IPV6 1
#define NO_SYS 1
