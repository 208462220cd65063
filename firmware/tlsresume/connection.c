// The list of adopted connections, and how one goes from state to state.

#include "connection.h"

#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "mbedtls/platform.h"

MP_REGISTER_ROOT_POINTER(struct _connection_t *tlsresume_connections);

connection_t *connection_find(const void *socket) {
    mp_uint_t atomic_state = MICROPY_BEGIN_ATOMIC_SECTION();
    connection_t *c = CONNECTIONS;
    while (c != NULL && c->hidden_socket != ~(uintptr_t)socket) {
        c = c->next;
    }
    MICROPY_END_ATOMIC_SECTION(atomic_state);
    return c;
}

static void connection_unlink(const connection_t *c) {
    mp_uint_t atomic_state = MICROPY_BEGIN_ATOMIC_SECTION();
    for (connection_t **p = &CONNECTIONS; *p != NULL; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
    MICROPY_END_ATOMIC_SECTION(atomic_state);
}

void connection_drop(mbedtls_ssl_session **session) {
    if (*session != NULL) {
        mbedtls_ssl_session_free(*session); // zeroes it
        mbedtls_free(*session);
        *session = NULL;
    }
}

// A soft reset finalises everything in the order of addresses: unlinked first, a
// connection is not found by its socket's close; closed first, its session is freed here.
static mp_obj_t connection_del(mp_obj_t self_in) {
    connection_t *c = MP_OBJ_TO_PTR(self_in);
    connection_unlink(c);
    connection_drop(&c->session);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(connection_del_obj, connection_del);

static const mp_rom_map_elem_t connection_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&connection_del_obj) },
};
static MP_DEFINE_CONST_DICT(connection_locals_dict, connection_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    connection_type,
    MP_QSTR__tlsresume,
    MP_TYPE_FLAG_NONE,
    locals_dict, &connection_locals_dict
    );

connection_t *connection_new(tlsresume_socket_t *o, mp_obj_t owner) {
    connection_t *c = mp_obj_malloc_with_finaliser(connection_t, &connection_type);
    memset((byte *)c + sizeof(c->base), 0, sizeof(*c) - sizeof(c->base));
    c->hidden_socket = ~(uintptr_t)o;
    c->owner = owner;
    c->thread = THIS_THREAD();
    c->negotiated_ms = mp_hal_ticks_ms(); // at the earliest
    return c;
}

void connection_link(connection_t *c) {
    mp_uint_t atomic_state = MICROPY_BEGIN_ATOMIC_SECTION();
    c->next = CONNECTIONS;
    CONNECTIONS = c;
    MICROPY_END_ATOMIC_SECTION(atomic_state);
}

bool connection_has_fresh(const connection_t *c, const mbedtls_ssl_session *session) {
    return session != NULL && !session->exported && session_resumable(session)
           && !(c->offered && session_mark(session) == c->offered_mark);
}

// The oldest of too many sessions that wait, taken out of its connection, or NULL.
static mbedtls_ssl_session *surplus_session(void) {
    mbedtls_ssl_session *surplus = NULL;
    size_t waiting = 0;
    for (connection_t *c = CONNECTIONS; c != NULL; c = c->next) {
        if (c->session != NULL && !c->claim && ++waiting > TLSRESUME_MAX_CLOSED) {
            surplus = c->session;
            c->session = NULL;
        }
    }
    return surplus;
}

// Runs in finalisers too: nothing here allocates on the GC's heap or runs Python.
void connection_closed(connection_t *c, tlsresume_socket_t *o, bool in_order) {
    mp_uint_t atomic_state = MICROPY_BEGIN_ATOMIC_SECTION();
    if (in_order && c->state == NEGOTIATING) {
        c->told = EVENT_FULL; // given up by the application: nothing to tell
    } else if (in_order && connection_has_fresh(c, o->ssl.session)) {
        // Moved, not copied. Upstream is about to free the rest.
        c->session = o->ssl.session;
        o->ssl.session = NULL;
    }
    c->state = in_order ? CLOSED : FAILED;
    c->hidden_socket = 0;
    if (c->claim == EVENT_NONE) {
        c->thread = NULL;
    }
    mbedtls_ssl_session *surplus = surplus_session();
    MICROPY_END_ATOMIC_SECTION(atomic_state);
    connection_drop(&surplus);
}
