package dev.comfyapi.api.artifact;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Open;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.artifact.FileType;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpRange;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/// Sends stored files to whoever has a good link.
@RestController
@Tag(name = "files", description = "Output files by their signed links")
final class FileController {

    private static final int BUFFER = 64 * 1024;

    private final ArtifactStore store;
    private final ArtifactLinks links;

    FileController(ArtifactStore store, ArtifactLinks links) {
        this.store = store;
        this.links = links;
    }

    @Open
    @GetMapping("/files/{*path}")
    @Operation(
            summary = "Read an output file",
            description = "The link comes from a job's `result`; one byte range is supported.")
    @ApiResponse(
            responseCode = "200",
            description = "The file",
            headers = {
                @Header(name = "ETag"),
                @Header(name = "Accept-Ranges"),
                @Header(name = "Content-Disposition")
            },
            content =
                    @Content(
                            mediaType = MediaType.ALL_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(
            responseCode = "206",
            description = "The range asked for",
            headers = {
                @Header(name = "ETag"),
                @Header(name = "Accept-Ranges"),
                @Header(name = "Content-Disposition"),
                @Header(name = "Content-Range")
            },
            content =
                    @Content(
                            mediaType = MediaType.ALL_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(
            responseCode = "304",
            description = "You have it",
            headers = {@Header(name = "ETag"), @Header(name = "Accept-Ranges")},
            content = {})
    void read(
            @PathVariable("path") String path,
            @RequestParam(name = "expires", required = false) @Nullable String expires,
            @RequestParam(name = "signature", required = false) @Nullable String signature,
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException {
        var key = authorized(path, expires, signature);
        var tag = "\"%s\"".formatted(key.path().substring(key.path().indexOf('/') + 1));
        try (var file = store.open(key).orElseThrow(FileController::gone)) {
            boolean known = has(request, tag);
            // Refused before anything is said about the file.
            var range = known ? Optional.<Range>empty() : range(request, tag, file.size());
            response.setHeader("ETag", tag);
            response.setHeader("Cache-Control", "private, max-age=86400, immutable");
            response.setHeader("Content-Security-Policy", "sandbox");
            response.setHeader("Accept-Ranges", "bytes");
            if (known) {
                response.setStatus(HttpServletResponse.SC_NOT_MODIFIED);
                return;
            }
            describe(key, response);
            send(file, range, request, response);
        }
    }

    private ArtifactKey authorized(
            String path, @Nullable String expires, @Nullable String signature) {
        var key = ArtifactKey.parse(path.startsWith("/") ? path.substring(1) : path);
        if (key.isEmpty()
                || expires == null
                || signature == null
                || !expires.matches("[0-9]{1,12}")) {
            throw forged();
        }
        return switch (links.check(key.get(), Long.parseLong(expires), signature)) {
            case GOOD -> key.get();
            case FORGED -> throw forged();
            case EXPIRED ->
                    throw ApiProblem.of(
                                    ProblemCode.EXPIRED_RESOURCE,
                                    "The link has expired; read the job for a fresh one.")
                            .with("expired_at", Long.parseLong(expires));
        };
    }

    private static ApiProblem forged() {
        return ApiProblem.of(ProblemCode.FORBIDDEN, "The link is not signed by this service.");
    }

    private static ApiProblem gone() {
        return ApiProblem.of(ProblemCode.OUTPUT_UNAVAILABLE, "The file is no longer stored.");
    }

    private static boolean has(HttpServletRequest request, String tag) {
        return Collections.list(request.getHeaders("If-None-Match")).stream()
                .anyMatch(header -> header.strip().equals("*") || header.contains(tag));
    }

    private static void describe(ArtifactKey key, HttpServletResponse response) {
        var name = key.path().substring(key.path().lastIndexOf('/') + 1);
        var type = FileType.ofStored(name.substring(name.indexOf('.') + 1));
        response.setContentType(type.contentType());
        response.setHeader(
                "Content-Disposition",
                "%s; filename=\"%s\""
                        .formatted(type.isRasterPicture() ? "inline" : "attachment", name));
    }

    private record Range(long first, long last) {}

    /// The one range to be sent; empty for the whole file, also when several were asked for.
    private static Optional<Range> range(HttpServletRequest request, String tag, long size) {
        var header = request.getHeader("Range");
        var condition = request.getHeader("If-Range");
        if (header == null || (condition != null && !condition.equals(tag))) {
            return Optional.empty();
        }
        List<HttpRange> ranges;
        try {
            ranges = HttpRange.parseRanges(header);
        } catch (IllegalArgumentException _) {
            throw unsatisfiable(size);
        }
        if (ranges.size() != 1) {
            return Optional.empty();
        }
        long first = ranges.getFirst().getRangeStart(size);
        long last = ranges.getFirst().getRangeEnd(size);
        if (first >= size || last < first) {
            throw unsatisfiable(size);
        }
        return Optional.of(new Range(first, last));
    }

    private static ApiProblem unsatisfiable(long size) {
        return ApiProblem.of(
                        ProblemCode.RANGE_NOT_SATISFIABLE, "The file has %d bytes.".formatted(size))
                .with("size", size)
                .header("Content-Range", "bytes */" + size);
    }

    private static void send(
            SeekableByteChannel file,
            Optional<Range> range,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        long size = file.size();
        var part = range.orElse(new Range(0, size - 1));
        if (range.isPresent()) {
            response.setStatus(HttpServletResponse.SC_PARTIAL_CONTENT);
            response.setHeader(
                    "Content-Range", "bytes %d-%d/%d".formatted(part.first, part.last, size));
        }
        long left = part.last - part.first + 1;
        response.setContentLengthLong(left);
        if (request.getMethod().equals("HEAD")) {
            return;
        }
        file.position(part.first);
        var buffer = ByteBuffer.allocate(BUFFER);
        while (left > 0) {
            buffer.clear().limit((int) Math.min(BUFFER, left));
            int read = file.read(buffer);
            if (read < 0) {
                throw new IOException("The file ended %d bytes early".formatted(left));
            }
            response.getOutputStream().write(buffer.array(), 0, read);
            left -= read;
        }
    }
}
