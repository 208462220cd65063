metadata(description="TLS session resumption", version="0.1.0")
package("tlsresume", opt=3)
