// network.LAN: lwIP on the LAN9118.

#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modnetwork.h"

#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#include <string.h>

#define FRAME_MAX (1514)

static struct netif lan;

static err_t link_output(struct netif *netif, struct pbuf *p) {
    static uint8_t frame[FRAME_MAX];
    if (p->tot_len > sizeof(frame)) {
        return ERR_BUF;
    }
    pbuf_copy_partial(p, frame, p->tot_len, 0);
    return lan9118_send(frame, p->tot_len) ? ERR_OK : ERR_MEM;
}

static err_t lan_init(struct netif *netif) {
    netif->linkoutput = link_output;
    netif->output = etharp_output;
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP;
    netif->hwaddr_len = sizeof(netif->hwaddr);
    memcpy(netif->name, "e0", 2);
    lan9118_init(netif->hwaddr);
    return ERR_OK;
}

void network_lan_init(void) {
    lwip_init();
    netif_add(&lan, IP4_ADDR_ANY, IP4_ADDR_ANY, IP4_ADDR_ANY, NULL, lan_init, ethernet_input);
    netif_set_hostname(&lan, mod_network_hostname_data);
    netif_set_default(&lan);
}

void network_lan_poll(void) {
    static uint8_t frame[FRAME_MAX];
    size_t len;
    while ((len = lan9118_receive(frame, sizeof(frame))) > 0) {
        struct pbuf *p = pbuf_alloc(PBUF_RAW, len, PBUF_POOL);
        if (p == NULL) {
            continue; // lost, as on any network
        }
        pbuf_take(p, frame, len);
        if (!netif_is_up(&lan) || lan.input(p, &lan) != ERR_OK) {
            pbuf_free(p);
        }
    }
    sys_check_timeouts();
}

static const mp_obj_base_t lan_obj = { &network_lan_type };

static mp_obj_t network_lan_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    mod_network_register_nic(MP_OBJ_FROM_PTR(&lan_obj));
    return MP_OBJ_FROM_PTR(&lan_obj);
}

static mp_obj_t network_lan_active(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        return mp_obj_new_bool(netif_is_up(&lan));
    }
    if (!mp_obj_is_true(args[1])) {
        dhcp_stop(&lan);
        netif_set_down(&lan);
        netif_set_link_down(&lan);
    } else if (!netif_is_up(&lan)) {
        netif_set_link_up(&lan);
        netif_set_up(&lan);
        dhcp_start(&lan);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(network_lan_active_obj, 1, 2, network_lan_active);

static mp_obj_t network_lan_isconnected(mp_obj_t self_in) {
    return mp_obj_new_bool(netif_is_up(&lan) && !ip4_addr_isany(netif_ip4_addr(&lan)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(network_lan_isconnected_obj, network_lan_isconnected);

static mp_obj_t network_lan_ifconfig(size_t n_args, const mp_obj_t *args) {
    return mod_network_nic_ifconfig(&lan, n_args - 1, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(network_lan_ifconfig_obj, 1, 2, network_lan_ifconfig);

static mp_obj_t network_lan_ipconfig(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    return mod_network_nic_ipconfig(&lan, n_args - 1, args + 1, kwargs);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(network_lan_ipconfig_obj, 1, network_lan_ipconfig);

static const mp_rom_map_elem_t network_lan_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_active), MP_ROM_PTR(&network_lan_active_obj) },
    { MP_ROM_QSTR(MP_QSTR_isconnected), MP_ROM_PTR(&network_lan_isconnected_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&network_lan_ifconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_ipconfig), MP_ROM_PTR(&network_lan_ipconfig_obj) },
};
static MP_DEFINE_CONST_DICT(network_lan_locals_dict, network_lan_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    network_lan_type,
    MP_QSTR_LAN,
    MP_TYPE_FLAG_NONE,
    make_new, network_lan_make_new,
    locals_dict, &network_lan_locals_dict
    );
