// network.LAN of the emulated ESP32: OpenCores Ethernet, which upstream's own LAN knows on few
// chips, and since MicroPython 1.29 alone.

#include "py/runtime.h"

#include "esp_eth.h"
#include "esp_event.h"
#include "esp_mac.h"
#include "esp_netif.h"

#include "extmod/modnetwork.h"
#include "ports/esp32/modnetwork.h"

typedef struct _lan_obj_t {
    base_if_obj_t base; // for upstream's ifconfig
    esp_eth_handle_t driver; // NULL until the first LAN()
    bool connected; // has an address; written by ESP-IDF's event task
} lan_obj_t;

static const mp_obj_type_t lan_type;
static lan_obj_t lan = { .base = { .base = { &lan_type }, .if_id = ESP_IF_ETH } };

static void lan_event(void *arg, esp_event_base_t base, int32_t id, void *data) {
    if (base == IP_EVENT && id == IP_EVENT_ETH_GOT_IP) {
        lan.connected = true;
    } else if (base == ETH_EVENT && id != ETHERNET_EVENT_CONNECTED) {
        lan.connected = false;
    }
}

static void lan_install(void) {
    esp_exceptions(esp_netif_init());
    eth_mac_config_t mac_config = ETH_MAC_DEFAULT_CONFIG();
    eth_phy_config_t phy_config = ETH_PHY_DEFAULT_CONFIG();
    phy_config.reset_gpio_num = -1;
    phy_config.autonego_timeout_ms = 100; // the emulator never says that it is done
    esp_eth_config_t config = ETH_DEFAULT_CONFIG(
        esp_eth_mac_new_openeth(&mac_config), esp_eth_phy_new_dp83848(&phy_config));
    esp_eth_handle_t driver;
    esp_exceptions(esp_eth_driver_install(&config, &driver));
    uint8_t address[6];
    esp_exceptions(esp_read_mac(address, ESP_MAC_ETH));
    esp_exceptions(esp_eth_ioctl(driver, ETH_CMD_S_MAC_ADDR, address));
    esp_netif_config_t netif_config = ESP_NETIF_DEFAULT_ETH();
    lan.base.netif = esp_netif_new(&netif_config);
    esp_exceptions(esp_netif_attach(lan.base.netif, esp_eth_new_netif_glue(driver)));
    esp_exceptions(esp_event_handler_register(ETH_EVENT, ESP_EVENT_ANY_ID, lan_event, NULL));
    esp_exceptions(esp_event_handler_register(IP_EVENT, IP_EVENT_ETH_GOT_IP, lan_event, NULL));
    lan.driver = driver;
}

// LAN(): the one interface. It stays up over soft resets, as upstream's.
static mp_obj_t lan_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
    const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    if (lan.driver == NULL) {
        lan_install();
    }
    return MP_OBJ_FROM_PTR(&lan);
}

// active([is_active]) -> bool. Raises OSError.
static mp_obj_t lan_active(size_t n_args, const mp_obj_t *args) {
    if (n_args > 1 && mp_obj_is_true(args[1]) != lan.base.active) {
        if (lan.base.active) {
            esp_exceptions(esp_eth_stop(lan.driver));
        } else {
            esp_exceptions(esp_netif_set_hostname(lan.base.netif, mod_network_hostname_data));
            esp_exceptions(esp_eth_start(lan.driver));
        }
        lan.base.active = !lan.base.active;
    }
    return mp_obj_new_bool(lan.base.active);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lan_active_obj, 1, 2, lan_active);

// isconnected() -> bool: it has an address.
static mp_obj_t lan_isconnected(mp_obj_t self_in) {
    return mp_obj_new_bool(lan.connected);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lan_isconnected_obj, lan_isconnected);

static const mp_rom_map_elem_t lan_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_active), MP_ROM_PTR(&lan_active_obj) },
    { MP_ROM_QSTR(MP_QSTR_isconnected), MP_ROM_PTR(&lan_isconnected_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&esp_network_ifconfig_obj) },
};
static MP_DEFINE_CONST_DICT(lan_locals_dict, lan_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    lan_type,
    MP_QSTR_LAN,
    MP_TYPE_FLAG_NONE,
    make_new, lan_make_new,
    locals_dict, &lan_locals_dict
    );

// What the network module has not, it asks for here.
void lan_network_attr(mp_obj_t module, qstr attr, mp_obj_t *dest) {
    if (dest[0] == MP_OBJ_NULL && attr == MP_QSTR_LAN) {
        dest[0] = MP_OBJ_FROM_PTR(&lan_type);
    }
}

MP_REGISTER_MODULE_DELEGATION(mp_module_network, lan_network_attr);
