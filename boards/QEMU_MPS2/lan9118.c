// The LAN9118 Ethernet controller, polled. Register names as in its datasheet.

#include "py/mphal.h"

#include <string.h>

#define BASE (0x40200000)
#define RX_DATA_FIFO REG(BASE + 0x00)
#define TX_DATA_FIFO REG(BASE + 0x20)
#define RX_STATUS_FIFO REG(BASE + 0x40)
#define TX_STATUS_FIFO REG(BASE + 0x48)
#define IRQ_CFG REG(BASE + 0x54)
#define INT_STS REG(BASE + 0x58)
#define INT_EN REG(BASE + 0x5c)
#define FIFO_INT REG(BASE + 0x68)
#define TX_CFG REG(BASE + 0x70)
#define HW_CFG REG(BASE + 0x74)
#define RX_FIFO_INF REG(BASE + 0x7c)
#define TX_FIFO_INF REG(BASE + 0x80)
#define MAC_CSR_CMD REG(BASE + 0xa4)
#define MAC_CSR_DATA REG(BASE + 0xa8)

#define INT_RSFL (1 << 3)
#define TX_CFG_TX_ON (1 << 1)
#define HW_CFG_MBO (1 << 20)
#define HW_CFG_SRST (1 << 0)
#define RX_STATUS_ES (1 << 15)
#define TX_CMD_A_FIRST (1 << 13)
#define TX_CMD_A_LAST (1 << 12)
#define CRC_LEN (4)

enum { MAC_CR = 1, MAC_ADDRH = 2, MAC_ADDRL = 3 };
#define MAC_CR_FDPX (1 << 20)
#define MAC_CR_TXEN (1 << 3)
#define MAC_CR_RXEN (1 << 2)
#define MAC_CMD_BUSY (1u << 31)
#define MAC_CMD_READ (1 << 30)

static void mac_wait(void) {
    while (MAC_CSR_CMD & MAC_CMD_BUSY) {
    }
}

static uint32_t mac_read(uint32_t index) {
    MAC_CSR_CMD = MAC_CMD_BUSY | MAC_CMD_READ | index;
    mac_wait();
    return MAC_CSR_DATA;
}

static void mac_write(uint32_t index, uint32_t value) {
    MAC_CSR_DATA = value;
    MAC_CSR_CMD = MAC_CMD_BUSY | index;
    mac_wait();
}

void lan9118_init(uint8_t mac[6]) {
    HW_CFG = HW_CFG_SRST;
    while (HW_CFG & HW_CFG_SRST) {
    }
    HW_CFG = HW_CFG_MBO | (5 << 16); // 5 KB of the FIFO memory for transmission
    FIFO_INT = 0; // an interrupt for any frame
    INT_EN = INT_RSFL;
    IRQ_CFG = 0x111; // enabled, active high, push-pull
    uint32_t low = mac_read(MAC_ADDRL);
    uint32_t high = mac_read(MAC_ADDRH);
    memcpy(mac, &low, 4);
    memcpy(mac + 4, &high, 2);
    mac_write(MAC_CR, MAC_CR_FDPX | MAC_CR_TXEN | MAC_CR_RXEN);
    TX_CFG = TX_CFG_TX_ON;
}

size_t lan9118_receive(uint8_t *frame, size_t max) {
    if ((RX_FIFO_INF >> 16 & 0xff) == 0) {
        INT_STS = INT_RSFL;
        return 0;
    }
    uint32_t status = RX_STATUS_FIFO;
    size_t len = status >> 16 & 0x3fff;
    bool good = !(status & RX_STATUS_ES) && len >= CRC_LEN && len - CRC_LEN <= max;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t word = RX_DATA_FIFO;
        if (good && i < len - CRC_LEN) {
            memcpy(frame + i, &word, MIN(4, len - CRC_LEN - i));
        }
    }
    return good ? len - CRC_LEN : lan9118_receive(frame, max);
}

bool lan9118_send(const uint8_t *frame, size_t len) {
    if ((TX_FIFO_INF & 0xffff) < len + 12) {
        return false;
    }
    TX_DATA_FIFO = TX_CMD_A_FIRST | TX_CMD_A_LAST | len;
    TX_DATA_FIFO = len;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t word = 0;
        memcpy(&word, frame + i, MIN(4, len - i));
        TX_DATA_FIFO = word;
    }
    while (TX_FIFO_INF >> 16 & 0xff) {
        (void)TX_STATUS_FIFO;
    }
    return true;
}
