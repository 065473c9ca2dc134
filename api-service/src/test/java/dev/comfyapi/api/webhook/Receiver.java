package dev.comfyapi.api.webhook;

import dev.comfyapi.contract.Messages;

import tools.jackson.databind.json.JsonMapper;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// Somebody who is told: a real server on plain sockets, which can also do what no HTTP server
/// would.
final class Receiver implements AutoCloseable {

    /// How a request is answered.
    interface Behavior {
        void answer(Message message, Socket socket) throws IOException, InterruptedException;
    }

    record Message(String path, Map<String, String> headers, String body) {

        String id() {
            return headers.getOrDefault("webhook-id", "");
        }
    }

    private static final JsonMapper JSON = JsonMapper.shared();

    private final ServerSocket server;
    private final Behavior behavior;
    private final CountDownLatch end = new CountDownLatch(1);
    final List<Message> messages = new java.util.concurrent.CopyOnWriteArrayList<>();
    final ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();
    final AtomicInteger connections = new AtomicInteger();
    final AtomicInteger open = new AtomicInteger();
    final AtomicLong written = new AtomicLong();

    Receiver(Behavior behavior) {
        this.behavior = behavior;
        try {
            server = new ServerSocket(0, 500, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::listen);
    }

    static Receiver answering(int status, String... headers) {
        return new Receiver((_, socket) -> reply(socket, status, "ok", headers));
    }

    int port() {
        return server.getLocalPort();
    }

    String url() {
        return url("/hook");
    }

    String url(String path) {
        return "http://127.0.0.1:%d%s".formatted(port(), path);
    }

    private void listen() {
        while (!server.isClosed()) {
            try {
                var socket = server.accept();
                connections.incrementAndGet();
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException _) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        open.incrementAndGet();
        try (socket) {
            var message = read(new BufferedInputStream(socket.getInputStream()));
            Messages.hear(
                    "webhook", JSON.readTree(message.body), JSON.valueToTree(message.headers));
            messages.add(message);
            behavior.answer(message, socket);
        } catch (SocketException _) {
            // The sender had enough.
        } catch (IOException | RuntimeException e) {
            wrong.add(e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            open.decrementAndGet();
        }
    }

    private static Message read(InputStream in) throws IOException {
        var path = line(in).split(" ", -1)[1];
        var headers = new TreeMap<String, String>();
        for (var line = line(in); !line.isEmpty(); line = line(in)) {
            var parts = line.split(": *", 2);
            headers.put(parts[0].toLowerCase(Locale.ROOT), parts[1]);
        }
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        return new Message(
                path, headers, new String(in.readNBytes(length), StandardCharsets.UTF_8));
    }

    private static String line(InputStream in) throws IOException {
        var line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new SocketException("the sender is gone");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    static void reply(Socket socket, int status, String body, String... headers)
            throws IOException {
        head(socket.getOutputStream(), status, body.length(), headers);
        socket.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
    }

    private static void head(OutputStream out, int status, long length, String... headers)
            throws IOException {
        var head = new StringBuilder("HTTP/1.1 %d Said\r\n".formatted(status));
        for (int i = 0; i < headers.length; i += 2) {
            head.append(headers[i]).append(": ").append(headers[i + 1]).append("\r\n");
        }
        head.append("Content-Length: ").append(length).append("\r\n\r\n");
        out.write(head.toString().getBytes(StandardCharsets.UTF_8));
    }

    /// Says nothing until this receiver is closed.
    void hang() throws InterruptedException {
        end.await();
    }

    /// Breaks the connection off without a word.
    static void reset(Socket socket) throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    /// Sends a body of a gigabyte, as long as somebody takes it.
    void endless(Socket socket) throws IOException {
        var out = socket.getOutputStream();
        head(out, 200, 1L << 30);
        var piece = new byte[8 << 10];
        java.util.Arrays.fill(piece, (byte) 'x');
        while (true) {
            out.write(piece);
            written.addAndGet(piece.length);
        }
    }

    /// Promises a long body and sends one byte of it.
    void slow(Socket socket) throws IOException, InterruptedException {
        head(socket.getOutputStream(), 200, 1_000);
        socket.getOutputStream().write('x');
        socket.getOutputStream().flush();
        hang();
    }

    @Override
    public void close() {
        end.countDown();
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
