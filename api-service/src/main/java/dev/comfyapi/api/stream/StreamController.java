package dev.comfyapi.api.stream;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.JobViews;
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
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.time.Duration;
import java.util.regex.Pattern;

/// What happens to a job, as server-sent events.
@RestController
@Tag(name = "events", description = "Hear of jobs as it happens")
final class StreamController {

    static final Duration KEEP_ALIVE = Duration.ofSeconds(15);

    /// Of one job there are few things to tell; who is so far behind does not read.
    private static final int MOST_WAITING = 64;

    private static final Pattern REVISION = Pattern.compile("[0-9]{1,18}");

    private final JobStore store;
    private final JobViews views;
    private final JobWatch watch;
    private final OpenStreams streams;
    private final PublicUrl publicUrl;
    private final JsonMapper json;

    StreamController(
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
    @GetMapping(path = "/api/v1/jobs/{job_id}/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @Operation(
            summary = "Follow a job by server-sent events",
            description =
                    "First what is true now, then what happens: `status`, `progress`, `preview`,"
                            + " `artifact`, and `done`, after which the stream ends.")
    @Parameter(
            name = "Last-Event-ID",
            in = ParameterIn.HEADER,
            description = "The newest id you have: what is not newer is left out",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "after",
            in = ParameterIn.QUERY,
            description = "The same, for clients that cannot set headers",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "previews",
            in = ParameterIn.QUERY,
            description = "`true` sends small pictures of what is being made",
            schema = @Schema(type = "boolean", defaultValue = "false"))
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
                                                Message.Done.class
                                            })))
    @ApiResponse(
            responseCode = "204",
            description = "You have seen the end: do not come again",
            content = {})
    void follow(
            @PathVariable("job_id") String jobId,
            Caller caller,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        long seen = seen(request);
        boolean previews = previews(request);
        var id = JobId.parse(jobId).orElseThrow(ApiProblem::notFound);
        var row = store.find(caller.tenant(), id).orElseThrow(ApiProblem::notFound);
        var now = views.moment(row);
        if (now.isFinal() && seen >= now.revision()) {
            response.setStatus(HttpServletResponse.SC_NO_CONTENT);
            return;
        }
        var base = publicUrl.of(request);
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
        var telling = new JobTelling(id, of -> views.of(of, base), seen);
        var courier = new Courier(line, telling::tell, new Outbox(MOST_WAITING), KEEP_ALIVE, place);
        line.onEnd(courier::left);
        watch.follow(caller.tenant(), row, new JobStream(views, courier, previews), courier);
    }

    /// What a browser sends by itself counts more than what the page's author wrote.
    private static long seen(HttpServletRequest request) {
        var header = request.getHeader("Last-Event-ID");
        if (header != null && REVISION.matcher(header).matches()) {
            return Long.parseLong(header);
        }
        var parameter = request.getParameter("after");
        if (parameter == null) {
            return -1;
        }
        if (!REVISION.matcher(parameter).matches()) {
            throw badParameter("after", "The parameter after must be an id of an event.");
        }
        return Long.parseLong(parameter);
    }

    private static boolean previews(HttpServletRequest request) {
        @Nullable String previews = request.getParameter("previews");
        if (previews == null || previews.equals("false")) {
            return false;
        }
        if (previews.equals("true")) {
            return true;
        }
        throw badParameter("previews", "The parameter previews must be true or false.");
    }

    private static ApiProblem badParameter(String name, String detail) {
        return ApiProblem.of(ProblemCode.BAD_PARAMETER, detail).with("parameter", name);
    }
}
