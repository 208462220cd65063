// An echo in Go's crypto/tls: HOST:PORT CERTIFICATE KEY VERSION [name=value...]
//
//	ca=FILE      demand client certificates of this CA
//	keys=TEXT    the key of the tickets: 32 characters
//	group=P-384  the only group of the key exchange
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	check(err)
	version := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[os.Args[4]]
	config := &tls.Config{
		Certificates: []tls.Certificate{certificate},
		MinVersion:   version,
		MaxVersion:   version,
	}
	for _, option := range os.Args[5:] {
		name, value, _ := strings.Cut(option, "=")
		set(config, name, value)
	}
	listener, err := tls.Listen("tcp", os.Args[1], config)
	check(err)
	for {
		conn, err := listener.Accept()
		check(err)
		go serve(conn)
	}
}

func set(config *tls.Config, name, value string) {
	switch name {
	case "ca":
		pem, err := os.ReadFile(value)
		check(err)
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(pem)
		config.ClientAuth = tls.RequireAndVerifyClientCert
	case "keys":
		var key [32]byte
		copy(key[:], value)
		config.SetSessionTicketKeys([][32]byte{key})
	case "group":
		config.CurvePreferences = []tls.CurveID{tls.CurveP384}
	}
}

func serve(conn net.Conn) {
	defer conn.Close()
	secure := conn.(*tls.Conn)
	if err := secure.Handshake(); err != nil {
		return
	}
	fmt.Println("resumed", secure.ConnectionState().DidResume)
	io.Copy(conn, conn)
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
