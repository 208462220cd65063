// An echo in Java's SSLServerSocket: HOST PORT KEYSTORE VERSION [TRUSTSTORE]
//
// The stores are PKCS #12 with the password "changeit"; with a TRUSTSTORE client certificates
// are demanded.

import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Echo {
    private static final char[] PASSWORD = "changeit".toCharArray();

    public static void main(String[] args) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store(args[2]), PASSWORD);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        boolean demand = args.length > 4;
        trust.init(store(args[demand ? 4 : 2]));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(Integer.parseInt(args[1]), 50, InetAddress.getByName(args[0]));
        listener.setEnabledProtocols(new String[] {"TLSv" + args[3]});
        listener.setNeedClientAuth(demand);
        while (true) {
            SSLSocket socket = (SSLSocket) listener.accept();
            new Thread(() -> serve(socket)).start();
        }
    }

    private static KeyStore store(String path) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream file = new FileInputStream(path)) {
            store.load(file, PASSWORD);
        }
        return store;
    }

    private static void serve(SSLSocket socket) {
        try (socket) {
            socket.getInputStream().transferTo(socket.getOutputStream());
        } catch (IOException e) {
            // the client went first
        }
    }
}
