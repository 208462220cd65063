metadata(description="TLS session resumption", version="0.2.0")
package("tlsresume", opt=3)
