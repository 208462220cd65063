// lwIP on the board.
#ifndef MICROPY_INCLUDED_QEMU_MPS2_LWIPOPTS_H
#define MICROPY_INCLUDED_QEMU_MPS2_LWIPOPTS_H

#include <stdint.h>

// A full receive FIFO (10 KB) drops frames, and each costs a second: the window is smaller.
#define MEM_SIZE (16000)
#define TCP_MSS (1460)
#define TCP_WND (3 * TCP_MSS)
#define TCP_SND_BUF (4 * TCP_MSS)
#define MEMP_NUM_TCP_SEG (32)
#define MEMP_NUM_TCP_PCB (32)
#define PBUF_POOL_SIZE (64)

#define LWIP_IPV6 0
#define LWIP_RAND() host_random_u32()
uint32_t host_random_u32(void);

#include "extmod/lwip-include/lwipopts_common.h"

#endif // MICROPY_INCLUDED_QEMU_MPS2_LWIPOPTS_H
