package dev.comfyapi.simulator;

import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.websocket.server.ServerUpgradeRequest;
import org.eclipse.jetty.websocket.server.WebSocketUpgradeHandler;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A server that behaves like ComfyUI 0.33 but paints its pictures on the CPU within milliseconds.
///
/// Clients cannot tell the difference by protocol: routes, error texts, message order, caching,
/// numbering of files and the known traps are those of the real server. Many may run in one JVM.
/// All methods may be called from any thread.
public final class ComfyUiSimulator implements AutoCloseable {

    private final Settings settings;
    private final Journal journal = new Journal();
    private final Server server;
    private final ServerConnector connector;
    private final String host;
    private final boolean ownsFolder;
    private volatile ServerProcess process;

    private ComfyUiSimulator(Builder builder) {
        host = builder.host;
        ownsFolder = builder.folder == null;
        var disk = new ServerFolders(builder.folder == null ? temporaryFolder() : builder.folder);
        var models = new ModelFolders(builder.models, disk);
        settings =
                new Settings(
                        new Timing(
                                builder.stepDelay,
                                builder.modelLoadTime,
                                builder.modelLoadTimes,
                                builder.modelsInMemory,
                                builder.historyDelay,
                                builder.samplingTime),
                        disk,
                        models,
                        new NodeSignatures(models, disk),
                        new Faults(),
                        builder.previews,
                        builder.metadata);
        process = new ServerProcess(settings, journal);
        settings.faults().attach(this);
        var threads = new QueuedThreadPool(64, 4);
        threads.setName("comfyui-simulator-http");
        threads.setDaemon(true);
        server = new Server(threads);
        server.setStopTimeout(0);
        connector = connector();
        connector.setPort(builder.port);
        connector.setHost(host);
        server.addConnector(connector);
        server.setHandler(webSockets());
    }

    private ServerConnector connector() {
        var http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setRequestHeaderSize(16 * 1024);
        var made = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
        made.setIdleTimeout(Duration.ofHours(1).toMillis());
        return made;
    }

    private WebSocketUpgradeHandler webSockets() {
        var upgrade =
                WebSocketUpgradeHandler.from(
                        server,
                        container -> {
                            container.setIdleTimeout(Duration.ZERO);
                            container.setMaxTextMessageSize(4 * 1024 * 1024);
                            for (var path : List.of("/ws", "/api/ws")) {
                                container.addMapping(
                                        path,
                                        (request, _, _) ->
                                                new SocketEndpoint(
                                                        clientId(request), this::process));
                            }
                        });
        var routes = new Routes();
        new PromptRoutes(this::process, settings, journal).declare(routes);
        new HistoryRoutes(this::process).declare(routes);
        new JobRoutes(this::process).declare(routes);
        new ViewRoute(settings.disk()).declare(routes);
        new UploadRoutes(settings.disk()).declare(routes);
        new DescriptionRoutes(settings).declare(routes);
        new FaultRoutes(this).declare(routes);
        upgrade.setHandler(new HttpFront(routes, settings.faults()));
        return upgrade;
    }

    private static @Nullable String clientId(ServerUpgradeRequest request) {
        return Request.extractQueryParameters(request).getValue("clientId");
    }

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("comfyui-simulator");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ComfyUiSimulator started() {
        try {
            server.start();
            process.start();
            return this;
        } catch (Exception e) {
            close();
            var where = "%s:%d".formatted(host, connector.getPort());
            throw new IllegalStateException(
                    "The simulator cannot listen on %s: %s".formatted(where, cause(e)), e);
        }
    }

    private static String cause(Throwable thrown) {
        var cause = thrown;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage());
    }

    ServerProcess process() {
        return process;
    }

    ServerFolders disk() {
        return settings.disk();
    }

    /// Where the server listens, for example `http://127.0.0.1:8188`.
    public URI uri() {
        var name = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
        return URI.create(
                "http://%s:%d"
                        .formatted(
                                name.contains(":") ? "[" + name + "]" : name,
                                connector.getLocalPort()));
    }

    /// Switches for what goes wrong.
    public Faults faults() {
        return settings.faults();
    }

    /// The folder that holds `output`, `input` and `temp`.
    public Path folder() {
        return settings.disk().root();
    }

    /// Every prompt accepted so far, oldest first; restarts do not empty this list.
    public List<Received> received() {
        return journal.received();
    }

    /// Every run begun so far, oldest first; restarts do not empty this list.
    public List<Execution> executions() {
        return journal.executions();
    }

    /// Ends the process and starts it anew, on the same port.
    ///
    /// Queue, running prompt, history, cache and counter are forgotten, sockets are cut, `temp` is
    /// wiped; files in `output` and `input` stay. A broken GPU and a dead worker thread are well
    /// again; other faults go on.
    public synchronized void restart() {
        process.kill();
        var next = new ServerProcess(settings, journal);
        process = next;
        next.start();
    }

    /// Stops everything, and deletes the folder unless it was given. Closing twice is fine.
    @Override
    public synchronized void close() {
        process.kill();
        try {
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException("The simulator did not stop", e);
        } finally {
            server.destroy();
            if (ownsFolder) {
                settings.disk().deleteAll();
            }
        }
    }

    /// Begins a new simulator with every option at its default.
    public static Builder builder() {
        return new Builder();
    }

    /// The options of a simulator. Not thread-safe.
    public static final class Builder {

        private final Map<String, List<String>> models = new HashMap<>();
        private final Map<String, Duration> modelLoadTimes = new HashMap<>();
        private int modelsInMemory = Integer.MAX_VALUE;
        private int port;
        private String host = "127.0.0.1";
        private @Nullable Path folder;
        private Duration stepDelay = Duration.ofMillis(25);
        private Duration modelLoadTime = Duration.ZERO;
        private Duration historyDelay = Duration.ofMillis(3);
        private @Nullable Duration samplingTime;
        private boolean previews;
        private boolean metadata = true;

        private Builder() {}

        /// 0, the default, takes any free port.
        public Builder port(int port) {
            this.port = port;
            return this;
        }

        /// The address to listen on; by default only this machine can connect.
        public Builder host(String host) {
            this.host = host;
            return this;
        }

        /// Holds `output`, `input` and `temp`; by default a temporary folder, deleted on close.
        public Builder folder(Path folder) {
            this.folder = folder;
            return this;
        }

        /// How long one sampler step takes; zero is as fast as possible.
        public Builder stepDelay(Duration delay) {
            stepDelay = delay;
            return this;
        }

        /// How long the first use of a checkpoint or diffusion model takes.
        public Builder modelLoadTime(Duration time) {
            modelLoadTime = time;
            return this;
        }

        /// How long the first use of this checkpoint or diffusion model takes.
        public Builder modelLoadTime(String model, Duration time) {
            modelLoadTimes.put(model, time);
            return this;
        }

        /// How many models fit into memory, at least one; one more displaces the one unused for
        /// longest, which then takes its time again. Without limit by default.
        public Builder modelsInMemory(int count) {
            modelsInMemory = Math.max(1, count);
            return this;
        }

        /// The gap between the success message and the history entry.
        public Builder historyDelay(Duration delay) {
            historyDelay = delay;
            return this;
        }

        /// Makes each sampling node take this long, whatever its steps.
        public Builder fixedDuration(Duration time) {
            samplingTime = time;
            return this;
        }

        /// Whether sampling sends previews when the prompt does not say; off by default, as in
        /// ComfyUI.
        public Builder previews(boolean on) {
            previews = on;
            return this;
        }

        /// Whether pictures carry their graph; on by default, as in ComfyUI.
        public Builder metadata(boolean on) {
            metadata = on;
            return this;
        }

        /// Replaces the models of a folder, for example of `checkpoints`.
        public Builder models(String folder, List<String> names) {
            models.put(folder, List.copyOf(names));
            return this;
        }

        /// Starts the server; it answers as soon as this returns.
        ///
        /// @throws IllegalStateException if it cannot listen there
        public ComfyUiSimulator start() {
            return new ComfyUiSimulator(this).started();
        }
    }
}
