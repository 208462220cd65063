// What the files of the board share.
#ifndef MICROPY_INCLUDED_QEMU_MPS2_BOARD_H
#define MICROPY_INCLUDED_QEMU_MPS2_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A register of the machine.
#define REG(address) (*(volatile uint32_t *)(address))

// board.c: its life between two bytecodes, and asleep.

void board_init(void); // at every start, soft ones too
void board_deinit(void); // before a soft reset
void board_poll(void); // serve console, network and timers
void board_wait(void); // sleep until something may have happened: 1 ms at most
extern uint64_t board_idle_us; // slept in board_wait since the reset
void board_vm_hook(void); // called often: serves what a busy loop would starve

// clock.c: the clocks.

void clock_init(void);
uint64_t clock_us(void); // since the reset
uint64_t clock_wall_us(void); // since 1970
void clock_set_wall(uint64_t seconds); // kept across resets

// host.c: what the host gives by semihosting.

uint32_t host_time(void); // seconds since 1970
void host_random(void *buf, size_t len);
uint32_t host_random_u32(void);

// retained.c: memory that survives a reset, as an ESP32's RTC memory survives deep sleep.

#define RETAINED_MAX (2048)

enum { // the values of machine.reset_cause(), as ESP32's
    RESET_PWRON = 1,
    RESET_HARD = 2,
    RESET_WDT = 3,
    RESET_DEEPSLEEP = 4,
    RESET_SOFT = 5,
};

typedef struct _retained_t {
    uint32_t magic;
    uint32_t cause; // of the next reset, written before it
    int32_t wall_offset; // seconds that the board's clock is ahead of the host's
    uint32_t len; // of data that is in use
    uint8_t data[RETAINED_MAX];
} retained_t;

#define RETAINED ((retained_t *)0x21000000)

void retained_init(void);
int retained_reset_cause(void);
void retained_reset(int cause) __attribute__((noreturn));

// network_lan.c: lwIP's interface.

void network_lan_init(void); // once
void network_lan_poll(void);

// lan9118.c: the Ethernet controller.

void lan9118_init(uint8_t mac[6]); // mac: filled with the machine's address
size_t lan9118_receive(uint8_t *frame, size_t max); // length of a frame, 0 for none
bool lan9118_send(const uint8_t *frame, size_t len);

#endif // MICROPY_INCLUDED_QEMU_MPS2_BOARD_H
