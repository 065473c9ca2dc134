package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.ProblemCode;

import jakarta.servlet.http.HttpServletRequest;

import tools.jackson.databind.JsonNode;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// Requests that came as JSON Lines: taken to disk as they come, then read line by line. Mistakes
/// are named by line, from 1: `#/lines/17/width`.
final class LineDrafts implements Drafts, Closeable {

    private static final int MOST_LINES = 50_000;
    private static final long MOST_BYTES = 200_000_000;
    private static final int BUFFER = 1 << 16;
    private static final String POINTER = "#/lines";
    private static final Set<String> TYPES =
            Set.of("application/jsonl", "application/x-ndjson", "application/ndjson");

    private final JsonBody json;
    private final TemporaryFile file;
    private final MessageDigest digest = sha256();
    private long bytes;
    private int lines;
    private int requests;
    private int length;
    private boolean blank = true;

    private LineDrafts(JsonBody json, TemporaryFile file) {
        this.json = json;
        this.file = file;
    }

    /// Whether a body of this type is one.
    static boolean isFor(HttpServletRequest request) {
        var type = request.getContentType();
        return type != null
                && TYPES.contains(type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT));
    }

    /// @throws ApiProblem when the body, or one of its lines, is too large, or there is no line or
    ///   are too many
    static LineDrafts take(HttpServletRequest request, JsonBody json) throws IOException {
        JsonBody.refuseEncoded(request);
        if (request.getContentLengthLong() > MOST_BYTES) {
            throw tooLarge();
        }
        var drafts = new LineDrafts(json, TemporaryFile.create());
        try {
            drafts.take(request.getInputStream());
            return drafts;
        } catch (IOException | RuntimeException e) {
            drafts.close();
            throw e;
        }
    }

    private void take(InputStream body) throws IOException {
        var buffer = new byte[BUFFER];
        var out = file.out();
        for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
            bytes += read;
            if (bytes > MOST_BYTES) {
                throw tooLarge();
            }
            digest.update(buffer, 0, read);
            out.write(buffer, 0, read);
            for (int i = 0; i < read; i++) {
                count(buffer[i]);
            }
        }
        out.flush();
        if (length > 0) {
            count((byte) '\n');
        }
        if (requests == 0) {
            throw invalid(POINTER, "too_few", "must have at least one request", Map.of("min", 1));
        }
    }

    private void count(byte next) {
        if (next != '\n') {
            length++;
            blank &= next == ' ' || next == '\t' || next == '\r';
            if (length > json.largest()) {
                throw invalid(
                        "%s/%d".formatted(POINTER, lines + 1),
                        "too_long",
                        "must have at most %d bytes".formatted(json.largest()),
                        Map.of("max", json.largest()));
            }
            return;
        }
        lines++;
        requests += blank ? 0 : 1;
        length = 0;
        blank = true;
        if (requests > MOST_LINES) {
            throw invalid(
                    POINTER,
                    "too_many",
                    "must have at most %d requests".formatted(MOST_LINES),
                    Map.of("max", MOST_LINES));
        }
    }

    private static ApiProblem invalid(
            String pointer, String code, String detail, Map<String, Object> params) {
        return ApiProblem.invalid(List.of(new InvalidMember(pointer, code, detail, params)));
    }

    private static ApiProblem tooLarge() {
        return ApiProblem.of(
                        ProblemCode.PAYLOAD_TOO_LARGE,
                        "The body may have at most %d bytes.".formatted(MOST_BYTES))
                .with("max", MOST_BYTES);
    }

    /// SHA-256 of the body, in hex. Once.
    String hash() {
        return HexFormat.of().formatHex(digest.digest());
    }

    @Override
    public int count() {
        return requests;
    }

    @Override
    public void forEach(Look look) throws IOException {
        var in = file.in();
        var line = new ByteArrayOutputStream();
        boolean more = true;
        for (int number = 1; more && next(in, line); number++) {
            var content = line.toByteArray();
            if (!isBlank(content)) {
                more = show(content, "%s/%d".formatted(POINTER, number), look);
            }
        }
    }

    private boolean show(byte[] line, String pointer, Look look) {
        JsonNode body;
        try {
            body = json.parse(line);
        } catch (ApiProblem malformed) {
            return look.at(
                    new InvalidMember(
                            pointer,
                            malformed.code().wire(),
                            "is not JSON: "
                                    + malformed
                                            .detail()
                                            .replaceFirst("^Line \\d+, column", "column"),
                            Map.of()));
        }
        return look.at(new Draft(body, pointer, Map.of()));
    }

    /// Reads the next line, without its end; false when there is none.
    private static boolean next(InputStream in, ByteArrayOutputStream line) throws IOException {
        line.reset();
        int next = in.read();
        if (next < 0) {
            return false;
        }
        while (next >= 0 && next != '\n') {
            line.write(next);
            next = in.read();
        }
        return true;
    }

    private static boolean isBlank(byte[] line) {
        for (byte b : line) {
            if (b != ' ' && b != '\t' && b != '\r') {
                return false;
            }
        }
        return true;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
