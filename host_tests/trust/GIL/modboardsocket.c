// The boardsocket module: a TCP socket that behaves as the ESP32 port's does, and tells what
// finalisers do with it.
//
// As there (ports/esp32/modsocket.c): it has a finaliser of its own; closed, it polls as NVAL and can
// still be read; a read gives up the GIL unless data are there, and a write always.

#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mpthread.h"
#include "py/runtime.h"
#include "py/stream.h"

typedef struct _boardsocket_t {
    mp_obj_base_t base;
    int fd; // -1 once closed
} boardsocket_t;

static mp_uint_t used; // but for closing it, by finalisers

static short ready(const boardsocket_t *self, short events) {
    struct pollfd fd = { .fd = self->fd, .events = events };
    return poll(&fd, 1, 0) == 1 ? fd.revents : 0;
}

static mp_uint_t result(ssize_t ret, int *errcode) {
    *errcode = errno;
    return ret < 0 ? MP_STREAM_ERROR : (mp_uint_t)ret;
}

static mp_uint_t boardsocket_read(mp_obj_t self_in, void *buf, mp_uint_t size, int *errcode) {
    boardsocket_t *self = MP_OBJ_TO_PTR(self_in);
    used += gc_is_locked();
    bool waits = ready(self, POLLIN) == 0;
    if (waits) {
        MP_THREAD_GIL_EXIT();
    }
    ssize_t ret;
    do {
        ret = recv(self->fd, buf, size, 0);
    } while (ret < 0 && errno == EINTR);
    if (waits) {
        MP_THREAD_GIL_ENTER();
    }
    return result(ret, errcode);
}

static mp_uint_t boardsocket_write(mp_obj_t self_in, const void *buf, mp_uint_t size, int *errcode) {
    boardsocket_t *self = MP_OBJ_TO_PTR(self_in);
    used += gc_is_locked();
    MP_THREAD_GIL_EXIT();
    ssize_t ret;
    do {
        ret = send(self->fd, buf, size, MSG_NOSIGNAL);
    } while (ret < 0 && errno == EINTR);
    MP_THREAD_GIL_ENTER();
    return result(ret, errcode);
}

static mp_uint_t boardsocket_poll(const boardsocket_t *self, uintptr_t flags) {
    used += gc_is_locked();
    if (self->fd == -1) {
        return MP_STREAM_POLL_NVAL;
    }
    short events = ready(self, POLLIN | POLLOUT);
    mp_uint_t found = (events & POLLIN ? MP_STREAM_POLL_RD : 0) | (events & POLLOUT ? MP_STREAM_POLL_WR : 0);
    return (found & flags) | (events & POLLHUP ? MP_STREAM_POLL_HUP : 0);
}

static mp_uint_t boardsocket_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    boardsocket_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        return boardsocket_poll(self, arg);
    }
    if (request != MP_STREAM_CLOSE) {
        *errcode = MP_EINVAL;
        return MP_STREAM_ERROR;
    }
    if (self->fd != -1) {
        close(self->fd);
        self->fd = -1;
    }
    return 0;
}

static const mp_stream_p_t boardsocket_stream_p = {
    .read = boardsocket_read,
    .write = boardsocket_write,
    .ioctl = boardsocket_ioctl,
};

// Socket(port): connected to a port of 127.0.0.1. Raises OSError.
static mp_obj_t boardsocket_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    boardsocket_t *self = mp_obj_malloc_with_finaliser(boardsocket_t, type);
    self->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(mp_obj_get_int(args[0])) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(self->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        mp_raise_OSError(errno);
    }
    return MP_OBJ_FROM_PTR(self);
}

static const mp_rom_map_elem_t boardsocket_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&mp_stream_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_stream_close_obj) },
};
static MP_DEFINE_CONST_DICT(boardsocket_locals_dict, boardsocket_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    boardsocket_type,
    MP_QSTR_Socket,
    MP_TYPE_FLAG_NONE,
    make_new, boardsocket_make_new,
    protocol, &boardsocket_stream_p,
    locals_dict, &boardsocket_locals_dict
    );

// used() -> how often a finaliser has used such a socket, but for closing it.
static mp_obj_t boardsocket_used(void) {
    return MP_OBJ_NEW_SMALL_INT(used);
}
static MP_DEFINE_CONST_FUN_OBJ_0(boardsocket_used_obj, boardsocket_used);

static const mp_rom_map_elem_t boardsocket_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_boardsocket) },
    { MP_ROM_QSTR(MP_QSTR_Socket), MP_ROM_PTR(&boardsocket_type) },
    { MP_ROM_QSTR(MP_QSTR_used), MP_ROM_PTR(&boardsocket_used_obj) },
};
static MP_DEFINE_CONST_DICT(boardsocket_globals, boardsocket_globals_table);

const mp_obj_module_t boardsocket_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&boardsocket_globals,
};

MP_REGISTER_MODULE(MP_QSTR_boardsocket, boardsocket_module);
