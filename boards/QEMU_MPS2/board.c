// The board between two bytecodes, and asleep.

#include "py/gc.h"
#include "py/mphal.h"
#include "py/ringbuf.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/modnetwork.h"
#include "shared/runtime/interrupt_char.h"
#include "shared/runtime/softtimer.h"
#include "uart.h"

#define UART0_CTRL REG(0x40004008)
#define UART0_INTCLEAR REG(0x4000400c)
#define TIMER0_CTRL REG(0x40000000)
#define TIMER0_VALUE REG(0x40000004)
#define TIMER0_RELOAD REG(0x40000008)
#define TIMER0_INTCLEAR REG(0x4000000c)
#define SYST_CSR REG(0xe000e010)
#define ICSR REG(0xe000ed04)
#define PENDSTCLR (1 << 25)
#define NVIC_ISER0 REG(0xe000e100)
#define NVIC_ICPR0 REG(0xe000e280)

#define CPU_HZ (25000000)
#define WAKERS ((1 << 0) | (1 << 8) | (1 << 13)) // UART 0 receive, timer 0, Ethernet

static uint8_t console_buf[256];
static ringbuf_t console = { console_buf, sizeof(console_buf), 0, 0 };
static bool polling;
static bool timer_armed;
static uint32_t timer_ms;

uint64_t board_idle_us;

void board_init(void) {
    static bool once;
    if (!once) {
        once = true;
        // No handler ever runs: WFI returns for a pending interrupt that is masked.
        __asm volatile ("cpsid i");
        SYST_CSR = 0; // from 1.27 on upstream counts its ticks, and each would wake WFI for good
        ICSR = PENDSTCLR;
        clock_init();
        retained_init();
        // QEMU sends frames out when its main loop wakes: this timer wakes it.
        TIMER0_RELOAD = TIMER0_VALUE = CPU_HZ / 1000 - 1;
        TIMER0_CTRL = (1 << 3) | (1 << 0);
        UART0_CTRL |= 1 << 3;
        NVIC_ISER0 = WAKERS;
        network_lan_init();
    }
    mod_network_init();
}

void board_deinit(void) {
    soft_timer_deinit();
}

int upstream_uart_rx_chr(void);

// Read the console only as far as it can be kept: QEMU holds the rest.
static void console_poll(void) {
    int c;
    while (ringbuf_free(&console) > 0 && (c = upstream_uart_rx_chr()) != UART_RX_NO_CHAR) {
        if (c == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&console, c);
        }
    }
}

// Upstream's loop for the next character of the console calls this until there is one.
int uart_rx_chr(void) {
    mp_event_handle_nowait();
    if (ringbuf_avail(&console) == 0) {
        board_wait();
        return UART_RX_NO_CHAR;
    }
    return ringbuf_get(&console);
}

// What select.poll() says of the console.
uintptr_t mp_hal_stdio_poll(uintptr_t poll_flags) {
    console_poll();
    uintptr_t ready = poll_flags & MP_STREAM_POLL_WR;
    if (ringbuf_avail(&console) > 0) {
        ready |= poll_flags & MP_STREAM_POLL_RD;
    }
    return ready;
}

void board_poll(void) {
    if (polling) {
        return; // Python that lwIP calls comes back here
    }
    polling = true;
    console_poll();
    network_lan_poll();
    if (timer_armed && soft_timer_ticks_diff(mp_hal_ticks_ms(), timer_ms) >= 0) {
        timer_armed = false;
        soft_timer_handler();
    }
    polling = false;
}

void board_wait(void) {
    uint64_t start = clock_us();
    __asm volatile ("wfi");
    board_idle_us += clock_us() - start;
    TIMER0_INTCLEAR = 1;
    UART0_INTCLEAR = 1 << 1;
    NVIC_ICPR0 = WAKERS;
}

void board_vm_hook(void) {
    static uint32_t count;
    if ((++count & 0xff) == 0) {
        board_poll();
    }
}

// What shared/runtime/softtimer.c asks of a port.

uint32_t soft_timer_get_ms(void) {
    return mp_hal_ticks_ms();
}

void soft_timer_schedule_at_ms(uint32_t ticks_ms) {
    timer_armed = true;
    timer_ms = ticks_ms;
}

void upstream_gc_collect_start(void);

void gc_collect_start(void) {
    upstream_gc_collect_start();
    soft_timer_gc_mark_all();
}
