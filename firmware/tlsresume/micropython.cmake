# The _tlsresume module for CMake ports.
add_library(usermod_tlsresume INTERFACE)

target_sources(usermod_tlsresume INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/adopt.c
    ${CMAKE_CURRENT_LIST_DIR}/attributes.c
    ${CMAKE_CURRENT_LIST_DIR}/configure.c
    ${CMAKE_CURRENT_LIST_DIR}/connection.c
    ${CMAKE_CURRENT_LIST_DIR}/harvest.c
    ${CMAKE_CURRENT_LIST_DIR}/modtlsresume.c
    ${CMAKE_CURRENT_LIST_DIR}/nagle.c
    ${CMAKE_CURRENT_LIST_DIR}/seal.c
    ${CMAKE_CURRENT_LIST_DIR}/server.c
    ${CMAKE_CURRENT_LIST_DIR}/session.c
    ${CMAKE_CURRENT_LIST_DIR}/sslsocket.c
    ${CMAKE_CURRENT_LIST_DIR}/ticket.c
)

target_include_directories(usermod_tlsresume INTERFACE ${CMAKE_CURRENT_LIST_DIR})

# ESP-IDF builds and configures Mbed TLS itself, by sdkconfig: see sdkconfig.tlsresume.
if(NOT ESP_PLATFORM)
    if(TLSRESUME_TLS13)
        set(TLSRESUME_MBEDTLS_LIBRARY ${MICROPY_DIR}/lib/mbedtls/library)
        target_sources(usermod_tlsresume INTERFACE
            ${TLSRESUME_MBEDTLS_LIBRARY}/ssl_tls13_client.c
            ${TLSRESUME_MBEDTLS_LIBRARY}/ssl_tls13_generic.c
            ${TLSRESUME_MBEDTLS_LIBRARY}/ssl_tls13_keys.c
            ${TLSRESUME_MBEDTLS_LIBRARY}/ssl_tls13_server.c
        )
        # Mbed TLS 4 has its cryptography elsewhere, and is not built without PSA.
        if(NOT EXISTS ${MICROPY_DIR}/lib/mbedtls/tf-psa-crypto)
            file(GLOB TLSRESUME_PSA_CRYPTO ${TLSRESUME_MBEDTLS_LIBRARY}/psa_crypto*.c)
            target_sources(usermod_tlsresume INTERFACE
                ${TLSRESUME_MBEDTLS_LIBRARY}/block_cipher.c
                ${TLSRESUME_MBEDTLS_LIBRARY}/hkdf.c
                ${TLSRESUME_PSA_CRYPTO}
                ${TLSRESUME_MBEDTLS_LIBRARY}/psa_util.c
                ${TLSRESUME_MBEDTLS_LIBRARY}/sha3.c
            )
        endif()
    endif()
    target_compile_definitions(usermod_tlsresume INTERFACE
        MBEDTLS_USER_CONFIG_FILE="mbedtls_config_tlsresume.h"
        TLSRESUME_WITH_TLS13=$<BOOL:${TLSRESUME_TLS13}>
    )
endif()

target_link_libraries(usermod INTERFACE usermod_tlsresume)
