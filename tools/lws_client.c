// libwebsockets' client, for tools/bench_wire.py to compare with: asks HOST for a page TIMES
// times, one connection after the other, each until the answer begins.
//
//   lws_client HOST PORT CA.pem TIMES

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static struct lws_client_connect_info target;
static int left;
static bool busy;

static void get(void) {
    busy = left-- > 0 && lws_client_connect_via_info(&target) != NULL;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
    switch (reason) {
        case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
            return -1; // the answer has begun: close
        case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
            get();
            return 0;
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
            fprintf(stderr, "lws_client: %s\n", in == NULL ? "no connection" : (const char *)in);
            exit(1);
        default:
            return 0;
    }
}

int main(int argc, char **argv) {
    static const struct lws_protocols protocols[] = { { "http", callback, 0, 0 }, { 0 } };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .client_ssl_ca_filepath = argv[3],
    };
    lws_set_log_level(LLL_ERR, NULL);
    target.context = lws_create_context(&info);
    target.address = argv[1];
    target.port = atoi(argv[2]);
    target.host = target.origin = "localhost";
    target.path = "/";
    target.ssl_connection = LCCSCF_USE_SSL;
    target.method = "GET";
    target.protocol = protocols[0].name;
    left = atoi(argv[4]);
    get();
    while (busy && lws_service(target.context, 0) >= 0) {
    }
    lws_context_destroy(target.context);
    return 0;
}
