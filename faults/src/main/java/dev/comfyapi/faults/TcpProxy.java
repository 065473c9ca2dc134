package dev.comfyapi.faults;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// A network between two processes that can be cut. What is sent into a cut waits, as it does in
/// TCP, and arrives when the cut is over; nobody is told anything meanwhile. Thread-safe.
final class TcpProxy implements AutoCloseable {

    /// What gets through.
    enum Link {
        WHOLE,
        CUT,
        /// The server hears the client, the client hears nothing.
        ONLY_TO_SERVER,
        /// The client hears what the server still says, the server hears nothing.
        ONLY_TO_CLIENT
    }

    private static final int AT_ONCE = 16_384;
    private static final int CONNECT_MS = 2_000;

    private final InetSocketAddress server;
    private final ServerSocket listening;
    private final Set<Pair> pairs = ConcurrentHashMap.newKeySet();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private Link link = Link.WHOLE;

    /// @param port of the server, which need not be there yet
    TcpProxy(int port) {
        server = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try {
            listening = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    void set(Link to) {
        lock.lock();
        try {
            link = to;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Whatever is connected now stays so and never hears of the other side again, as when a
    /// firewall has forgotten it; whoever connects anew gets through.
    void forget() {
        pairs.forEach(pair -> pair.forgotten = true);
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                var client = listening.accept();
                Thread.ofVirtual().start(() -> connect(client));
            } catch (IOException _) {
                // Closed, or a client that was gone before it was accepted.
            }
        }
    }

    private void connect(Socket client) {
        try {
            // Nothing of a connection gets through a cut, not even its beginning.
            awaitPassage(true);
            var upstream = new Socket();
            upstream.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
            upstream.connect(server, CONNECT_MS);
            var pair = new Pair(client, upstream);
            pairs.add(pair);
            Thread.ofVirtual()
                    .start(() ->
                            pump(
                                    pair,
                                    pair.client()::getInputStream,
                                    pair.upstream()::getOutputStream,
                                    true));
            pump(pair, pair.upstream()::getInputStream, pair.client()::getOutputStream, false);
        } catch (IOException _) {
            close(client);
        } catch (InterruptedException _) {
            close(client);
            Thread.currentThread().interrupt();
        }
    }

    private interface In {
        InputStream open() throws IOException;
    }

    private interface Out {
        OutputStream open() throws IOException;
    }

    private void pump(Pair pair, In from, Out to, boolean toServer) {
        var buffer = new byte[AT_ONCE];
        try {
            var in = from.open();
            var out = to.open();
            while (true) {
                int read = in.read(buffer);
                awaitPassage(toServer);
                if (pair.forgotten) {
                    if (read < 0) {
                        break;
                    }
                    continue;
                }
                if (read < 0) {
                    break;
                }
                out.write(buffer, 0, read);
            }
        } catch (IOException _) {
            // One side is gone; the other hears of it below, unless it was forgotten.
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        if (!pair.forgotten) {
            pair.close();
            pairs.remove(pair);
        }
    }

    private void awaitPassage(boolean toServer) throws InterruptedException {
        lock.lock();
        try {
            while (!passes(toServer)) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean passes(boolean toServer) {
        return switch (link) {
            case WHOLE -> true;
            case CUT -> false;
            case ONLY_TO_SERVER -> toServer;
            case ONLY_TO_CLIENT -> !toServer;
        };
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException _) {
            // It is gone either way.
        }
    }

    /// One connection.
    private static final class Pair {
        private final Socket client;
        private final Socket upstream;
        private volatile boolean forgotten;

        Pair(Socket client, Socket upstream) {
            this.client = client;
            this.upstream = upstream;
        }

        Socket client() {
            return client;
        }

        Socket upstream() {
            return upstream;
        }

        void close() {
            TcpProxy.close(client);
            TcpProxy.close(upstream);
        }
    }

    @Override
    public void close() {
        try {
            listening.close();
        } catch (IOException _) {
            // It is gone either way.
        }
        set(Link.WHOLE);
        pairs.forEach(Pair::close);
    }
}
