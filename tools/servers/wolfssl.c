// An echo in wolfSSL: PORT CERTIFICATE KEY VERSION TIMEOUT [CA | P-384]
//
// TIMEOUT is the seconds for which sessions are kept; with a CA client certificates are demanded;
// P-384 is the only group of the key exchange then.

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static WOLFSSL_CTX *context(char **argv, int argc) {
    int tls13 = strcmp(argv[4], "1.3") == 0;
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(tls13 ? wolfTLSv1_3_server_method() : wolfTLSv1_2_server_method());
    if (wolfSSL_CTX_use_certificate_chain_file(ctx, argv[2]) != WOLFSSL_SUCCESS
        || wolfSSL_CTX_use_PrivateKey_file(ctx, argv[3], WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS) {
        exit(1);
    }
    wolfSSL_CTX_set_timeout(ctx, atoi(argv[5]));
    if (argc > 6 && strcmp(argv[6], "P-384") == 0) {
        int group = WOLFSSL_ECC_SECP384R1;
        wolfSSL_CTX_set_groups(ctx, &group, 1);
    } else if (argc > 6) {
        wolfSSL_CTX_load_verify_locations(ctx, argv[6], NULL);
        wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return ctx;
}

static void serve(WOLFSSL_CTX *ctx, int fd) {
    WOLFSSL *ssl = wolfSSL_new(ctx);
    wolfSSL_set_fd(ssl, fd);
    if (wolfSSL_accept(ssl) == WOLFSSL_SUCCESS) {
        printf("resumed %d\n", wolfSSL_session_reused(ssl));
        fflush(stdout);
        char buf[1024];
        for (int n; (n = wolfSSL_read(ssl, buf, sizeof(buf))) > 0;) {
            wolfSSL_write(ssl, buf, n);
        }
        wolfSSL_shutdown(ssl);
    }
    wolfSSL_free(ssl);
    close(fd);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    wolfSSL_Init();
    WOLFSSL_CTX *ctx = context(argv, argc);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])) };
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(listener, 50) != 0) {
        perror("wolfssl");
        return 1;
    }
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        serve(ctx, fd);
    }
    return 1;
}
