package dev.comfyapi.api.stream;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.JobViews;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/// What happens to all jobs of a tenant, as server-sent events.
@RestController
@Tag(name = "events")
final class TenantStreamController {

    private static final int MOST_WAITING = 1_024;
    private static final Pattern MILLISECONDS = Pattern.compile("[0-9]{1,15}");

    private static final Set<String> ALL =
            Set.of(
                    Message.STATUS,
                    Message.PROGRESS,
                    Message.PREVIEW,
                    Message.ARTIFACT,
                    Message.DONE);
    private static final Set<String> USUAL =
            Set.of(Message.STATUS, Message.PROGRESS, Message.ARTIFACT, Message.DONE);

    private final JobStore store;
    private final JobViews views;
    private final JobWatch watch;
    private final OpenStreams streams;
    private final PublicUrl publicUrl;
    private final JsonMapper json;

    TenantStreamController(
            JobStore store,
            JobViews views,
            JobWatch watch,
            OpenStreams streams,
            PublicUrl publicUrl,
            JsonMapper json) {
        this.store = store;
        this.views = views;
        this.watch = watch;
        this.streams = streams;
        this.publicUrl = publicUrl;
        this.json = json;
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping(path = "/api/v1/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @Operation(
            summary = "Follow all your jobs by server-sent events",
            description =
                    "What happens from now on. With `Last-Event-ID` first the jobs that changed"
                            + " since, as they are now; some may come twice.")
    @Parameter(
            name = "types",
            in = ParameterIn.QUERY,
            description =
                    "Any of `status`, `progress`, `preview`, `artifact`, `done`, separated by"
                            + " commas; all but `preview` when left out",
            schema = @Schema(type = "string", example = "status,done"))
    @Parameter(
            name = "tag",
            in = ParameterIn.QUERY,
            description = "Only jobs that have this tag",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "batch_id",
            in = ParameterIn.QUERY,
            description = "Only jobs of this batch",
            schema = @Schema(type = "string", format = "uuid"))
    @Parameter(
            name = "Last-Event-ID",
            in = ParameterIn.HEADER,
            description = "The newest id you have",
            schema = @Schema(type = "string"))
    @ApiResponse(
            responseCode = "200",
            description = "The stream",
            headers = @Header(name = "X-Accel-Buffering"),
            content =
                    @Content(
                            mediaType = MediaType.TEXT_EVENT_STREAM_VALUE,
                            schema =
                                    @Schema(
                                            oneOf = {
                                                Message.Status.class,
                                                Message.Progress.class,
                                                Message.Preview.class,
                                                Message.Artifact.class,
                                                Message.Done.class,
                                                Message.Gap.class
                                            })))
    void follow(Caller caller, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        var filter =
                new TenantStream.Filter(
                        types(request.getParameter("types")),
                        request.getParameter("tag"),
                        batch(request.getParameter("batch_id")));
        var since = since(request.getHeader("Last-Event-ID"));
        var now = store.now();
        if (request.getMethod().equals("HEAD")) {
            response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
            return;
        }
        var place = streams.take(caller);
        SseLine line;
        try {
            line = SseLine.open(json, request, response);
        } catch (IOException e) {
            place.close();
            throw e;
        }
        var position = since == null ? now : since;
        var stream =
                new TenantStream(
                        caller.tenant(), filter, views, publicUrl.of(request), position, now);
        var courier =
                new Courier(
                        line,
                        stream::tell,
                        new Outbox(MOST_WAITING),
                        StreamController.KEEP_ALIVE,
                        place);
        courier.hold();
        line.onEnd(courier::left);
        watch.follow(new TenantStream.Client(stream, courier));
        if (since == null) {
            courier.release();
        } else {
            resume(stream, line, courier, since, now);
        }
    }

    /// Writes what changed since then; what happens meanwhile waits for its turn.
    private void resume(
            TenantStream stream, SseLine line, Courier courier, Instant since, Instant now) {
        try {
            boolean all =
                    new Sweep(store)
                            .since(
                                    since,
                                    now,
                                    List.of(stream.tenant()),
                                    _ -> false,
                                    row -> write(stream, line, row));
            if (!all) {
                line.write(
                        new Message(
                                Message.GAP,
                                null,
                                new Message.Gap(
                                        Message.GAP,
                                        "More changed than is told again: list your jobs.")));
            }
            courier.tell(new News.Position(now.toEpochMilli()));
        } catch (IOException | UncheckedIOException | DataAccessException _) {
            // It comes again, and asks for the same.
            courier.finish(Courier.Ending.TOO_SLOW);
        } finally {
            courier.release();
        }
    }

    private static void write(TenantStream stream, SseLine line, JobRow row) {
        var news = stream.look(row);
        if (news == null) {
            return;
        }
        try {
            for (var message : stream.tell(news)) {
                line.write(message);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<String> types(@Nullable String parameter) {
        if (parameter == null) {
            return USUAL;
        }
        var types = Set.copyOf(List.of(parameter.split(",", -1)));
        if (!ALL.containsAll(types)) {
            throw bad(
                    "types",
                    "The parameter types has words of status, progress, preview, artifact, done.");
        }
        return types;
    }

    private static @Nullable UUID batch(@Nullable String parameter) {
        return parameter == null
                ? null
                : JobId.parse(parameter)
                        .map(JobId::value)
                        .orElseThrow(
                                () -> bad("batch_id", "The parameter batch_id must be a UUID."));
    }

    private static ApiProblem bad(String name, String detail) {
        return ApiProblem.of(ProblemCode.BAD_PARAMETER, detail).with("parameter", name);
    }

    /// Null when the client has no id of ours.
    private static @Nullable Instant since(@Nullable String id) {
        return id != null && MILLISECONDS.matcher(id).matches()
                ? Instant.ofEpochMilli(Long.parseLong(id))
                : null;
    }
}
