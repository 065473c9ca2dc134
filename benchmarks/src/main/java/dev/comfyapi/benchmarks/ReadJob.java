package dev.comfyapi.benchmarks;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Reads of a finished job a second, against reads of `/ping`, which looks at nothing: the same
/// server, filters and writing of JSON. In turns, over connections that stay open, by a client that
/// does next to nothing itself.
@Command(
        name = "read-job",
        description = "Reads of a job against an empty controller on the same stack.")
final class ReadJob implements Callable<Integer> {

    @Option(names = "--clients", description = "Connections at the same time (${DEFAULT-VALUE})")
    private int clients = 8;

    @Option(names = "--seconds", description = "Length of each round (${DEFAULT-VALUE})")
    private int seconds = 4;

    @Option(names = "--rounds", description = "Rounds of each after a warm-up (${DEFAULT-VALUE})")
    private int rounds = 5;

    @Override
    public Integer call() throws Exception {
        try (var platform = new Platform(Duration.ZERO)) {
            var job =
                    platform.post(
                            "/api/v1/generate",
                            """
                            {"prompt": "to be read", "width": 64, "height": 64, "steps": 1}
                            """);
            var path = "/api/v1/jobs/" + job.path("job_id").stringValue();
            double _ = perSecond(platform.port(), path);
            double _ = perSecond(platform.port(), "/ping");
            var empty = new ArrayList<Double>();
            var reads = new ArrayList<Double>();
            System.out.println("round   empty/s   jobs read/s   ratio");
            for (int round = 1; round <= rounds; round++) {
                empty.add(perSecond(platform.port(), "/ping"));
                reads.add(perSecond(platform.port(), path));
                System.out.printf(
                        "%5d %9.0f %13.0f %7.2f%n",
                        round, empty.getLast(), reads.getLast(), reads.getLast() / empty.getLast());
            }
            System.out.printf(
                    "median %8.0f %13.0f %7.2f   (%d clients)%n",
                    median(empty), median(reads), median(reads) / median(empty), clients);
        }
        return 0;
    }

    private double perSecond(int port, String path) throws Exception {
        long began = System.nanoTime();
        long end = began + seconds * 1_000_000_000L;
        long count = 0;
        try (var threads = Executors.newFixedThreadPool(clients)) {
            var counts = new ArrayList<Future<Long>>();
            for (int i = 0; i < clients; i++) {
                counts.add(threads.submit(() -> read(port, path, end)));
            }
            for (var done : counts) {
                count += done.get();
            }
        }
        return count / ((System.nanoTime() - began) / 1e9);
    }

    private static long read(int port, String path, long end) throws IOException {
        var request =
                "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: application/json\r\n\r\n"
                        .formatted(path, port)
                        .getBytes(StandardCharsets.US_ASCII);
        long done = 0;
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(30_000);
            var answers = new BufferedInputStream(socket.getInputStream());
            while (System.nanoTime() < end) {
                socket.getOutputStream().write(request);
                readAnswer(answers);
                done++;
            }
        }
        return done;
    }

    /// Reads one answer, with a length or in chunks.
    private static void readAnswer(InputStream in) throws IOException {
        var status = line(in);
        if (!status.startsWith("HTTP/1.1 200")) {
            throw new IOException(status);
        }
        int length = -1;
        for (var header = line(in); !header.isEmpty(); header = line(in)) {
            var name = header.substring(0, header.indexOf(':'));
            if (name.equalsIgnoreCase("Content-Length")) {
                length = Integer.parseInt(header.substring(name.length() + 1).strip());
            }
        }
        if (length >= 0) {
            in.skipNBytes(length);
            return;
        }
        for (int chunk = size(in); chunk > 0; chunk = size(in)) {
            in.skipNBytes(chunk);
            var _ = line(in);
        }
        var _ = line(in);
    }

    private static int size(InputStream in) throws IOException {
        return Integer.parseInt(line(in), 16);
    }

    private static String line(InputStream in) throws IOException {
        var line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("the connection ended");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().skip(values.size() / 2).findFirst().orElseThrow();
    }
}
