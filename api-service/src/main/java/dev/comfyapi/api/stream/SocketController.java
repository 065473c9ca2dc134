package dev.comfyapi.api.stream;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.NamedOrigins;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.JobViews;
import dev.comfyapi.api.stream.Courier.Ending;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.websocket.CloseReason;
import jakarta.websocket.DeploymentException;
import jakarta.websocket.Endpoint;
import jakarta.websocket.EndpointConfig;
import jakarta.websocket.MessageHandler;
import jakarta.websocket.Session;
import jakarta.websocket.server.ServerContainer;
import jakarta.websocket.server.ServerEndpointConfig;

import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/// What happens to a job, over a WebSocket.
@RestController
@Tag(name = "events")
final class SocketController {

    private static final String PATH = "/ws/jobs/{job_id}";
    private static final Duration PING = Duration.ofSeconds(20);

    /// Three pings that were not answered.
    private static final long SILENCE_MS = 65_000;

    private static final int MOST_WAITING = 64;

    private final JobStore store;
    private final JobViews views;
    private final JobWatch watch;
    private final OpenStreams streams;
    private final PublicUrl publicUrl;
    private final NamedOrigins origins;
    private final JsonMapper json;

    SocketController(
            JobStore store,
            JobViews views,
            JobWatch watch,
            OpenStreams streams,
            PublicUrl publicUrl,
            NamedOrigins origins,
            JsonMapper json) {
        this.store = store;
        this.views = views;
        this.watch = watch;
        this.streams = streams;
        this.publicUrl = publicUrl;
        this.origins = origins;
        this.json = json;
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping(PATH)
    @Operation(
            summary = "Follow a job over a WebSocket",
            description =
                    "Text frames with the same JSON as the data of the server-sent events:"
                            + " `status`, `progress`, `preview`, `artifact`, and `done`, after"
                            + " which the connection is closed with 1000. 4404: no such job. 1001"
                            + " and 1013: connect again.")
    @Parameter(
            name = "previews",
            in = ParameterIn.QUERY,
            description = "`false` leaves them out",
            schema = @Schema(type = "boolean", defaultValue = "true"))
    @Parameter(
            name = "ticket",
            in = ParameterIn.QUERY,
            description = "Instead of a key: one of `POST /api/v1/ws-tickets`",
            schema = @Schema(type = "string"))
    @ApiResponse(
            responseCode = "101",
            description = "The connection",
            content = {})
    void follow(
            @PathVariable("job_id") String jobId,
            Caller caller,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException, ServletException {
        if (!"websocket".equalsIgnoreCase(request.getHeader("Upgrade"))) {
            throw ApiProblem.of(ProblemCode.BAD_REQUEST, "This address speaks WebSocket only.")
                    .header("Upgrade", "websocket");
        }
        var base = publicUrl.of(request);
        if (!isWelcome(request.getHeader("Origin"), base)) {
            throw ApiProblem.of(
                    ProblemCode.FORBIDDEN, "Pages of other origins may not connect from browsers.");
        }
        var row = JobId.parse(jobId).flatMap(id -> store.find(caller.tenant(), id));
        boolean previews = !"false".equals(request.getParameter("previews"));
        var place = streams.take(caller);
        var socket = new Socket(caller.tenant(), row, base, previews, place);
        try {
            container(request).upgradeHttpToWebSocket(request, response, socket.config(), Map.of());
        } catch (DeploymentException e) {
            throw new ServletException(e);
        } finally {
            if (response.getStatus() != HttpServletResponse.SC_SWITCHING_PROTOCOLS) {
                // The handshake was not one; the container has said so.
                place.close();
            }
        }
    }

    private static ServerContainer container(HttpServletRequest request) {
        return (ServerContainer)
                request.getServletContext().getAttribute(ServerContainer.class.getName());
    }

    /// Browsers say which page connects, and ask nobody before they do; programs say nothing.
    private boolean isWelcome(@Nullable String origin, String base) {
        if (origin == null || origins.contains(origin)) {
            return true;
        }
        try {
            var page = URI.create(origin);
            var us = URI.create(base);
            return String.valueOf(page.getAuthority()).equals(us.getAuthority());
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    /// One connection.
    private final class Socket extends Endpoint {

        private final int tenant;
        private final Optional<JobRow> row;
        private final String base;
        private final boolean previews;
        private final OpenStreams.Place place;
        private @Nullable Courier courier;

        Socket(
                int tenant,
                Optional<JobRow> row,
                String base,
                boolean previews,
                OpenStreams.Place place) {
            this.tenant = tenant;
            this.row = row;
            this.base = base;
            this.previews = previews;
            this.place = place;
        }

        ServerEndpointConfig config() {
            return ServerEndpointConfig.Builder.create(Socket.class, PATH)
                    .configurator(
                            new ServerEndpointConfig.Configurator() {
                                @Override
                                public <T> T getEndpointInstance(Class<T> type) {
                                    return type.cast(Socket.this);
                                }
                            })
                    .build();
        }

        @Override
        public void onOpen(Session session, EndpointConfig config) {
            session.getUserProperties()
                    .put("org.apache.tomcat.websocket.READ_IDLE_TIMEOUT_MS", SILENCE_MS);
            // What a client says is read in pieces, and ignored.
            session.addMessageHandler(String.class, (MessageHandler.Partial<String>) (_, _) -> {});
            session.addMessageHandler(
                    ByteBuffer.class, (MessageHandler.Partial<ByteBuffer>) (_, _) -> {});
            var line = new SocketLine(json, session);
            if (row.isEmpty()) {
                place.close();
                line.hangUp(Ending.UNKNOWN);
                return;
            }
            var job = row.get();
            var telling = new JobTelling(job.id(), of -> views.of(of, base), -1);
            var letters = new Courier(line, telling::tell, new Outbox(MOST_WAITING), PING, place);
            courier = letters;
            watch.follow(tenant, job, new JobStream(views, letters, previews), letters);
        }

        @Override
        public void onClose(Session session, CloseReason reason) {
            left();
        }

        @Override
        public void onError(Session session, Throwable failure) {
            left();
        }

        private void left() {
            place.close();
            if (courier != null) {
                courier.left();
            }
        }
    }
}
