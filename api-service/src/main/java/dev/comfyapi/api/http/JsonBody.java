package dev.comfyapi.api.http;

import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.springframework.util.unit.DataSize;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.regex.Pattern;

/// Reads JSON bodies strictly, in bounded time and memory: what is not exactly one JSON value in
/// UTF-8 is refused.
///
/// Numbers keep all their digits. Duplicate members are refused, because two readers would not
/// agree on which one counts.
@Component
public final class JsonBody {

    private static final int MAX_DEPTH = 200;
    private static final int MAX_DIGITS = 1_000;
    private static final int PIECE = 16 * 1024;
    private static final Pattern ADVICE =
            Pattern.compile(": enable `[^`]*` to allow|, from `[^`]*`");

    private final JsonMapper json;
    private final DataSize limit;
    private final Duration patience;
    private final BodyRoom room;

    JsonBody(HttpProperties properties) {
        this.limit = properties.maxBody();
        this.patience = properties.bodyTime();
        this.room = BodyRoom.of(properties);
        int most = (int) limit.toBytes();
        this.json =
                JsonMapper.builder(
                                JsonFactory.builder()
                                        .streamReadConstraints(
                                                StreamReadConstraints.builder()
                                                        .maxNestingDepth(MAX_DEPTH)
                                                        .maxNumberLength(MAX_DIGITS)
                                                        .maxStringLength(most)
                                                        .maxNameLength(most)
                                                        .build())
                                        .build())
                        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                        .build();
    }

    /// The body's value; may be any JSON value.
    ///
    /// @throws ApiProblem when the type, the size or the JSON is not acceptable
    public JsonNode read(HttpServletRequest request) throws IOException {
        return read(request, (int) limit.toBytes());
    }

    /// The same of no more than so many bytes: for those of whom nobody knows who they are.
    public JsonNode read(HttpServletRequest request, int most) throws IOException {
        checkType(request);
        return parse(bytes(request, most));
    }

    /// The value that these bytes are, if they are one in UTF-8; may be any JSON value.
    ///
    /// @throws ApiProblem when they are not
    public JsonNode parse(byte[] bytes) {
        var text = decode(bytes);
        if (text.startsWith("\uFEFF")) {
            throw malformed("A byte-order mark is not allowed.", 1, 1);
        }
        try {
            var value = json.readTree(text);
            if (value.isMissingNode()) {
                throw malformed("The body is empty.", 1, 1);
            }
            return value;
        } catch (JacksonException e) {
            throw malformed(e);
        }
    }

    /// Most bytes of one value.
    public long largest() {
        return limit.toBytes();
    }

    /// The same, or an empty object when the client sent no body at all.
    public JsonNode readIfAny(HttpServletRequest request) throws IOException {
        boolean none =
                request.getContentLengthLong() <= 0
                        && request.getHeader("Transfer-Encoding") == null;
        return none ? json.createObjectNode() : read(request);
    }

    /// @throws ApiProblem when the body is compressed or encoded otherwise
    public static void refuseEncoded(HttpServletRequest request) {
        var encoding = request.getHeader("Content-Encoding");
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            throw ApiProblem.of(
                    ProblemCode.UNSUPPORTED_MEDIA_TYPE, "Encoded bodies are not supported.");
        }
    }

    private static void checkType(HttpServletRequest request) {
        refuseEncoded(request);
        if (!isJson(request.getContentType())) {
            throw ApiProblem.of(
                            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
                            "The body has to be application/json.")
                    .header("Accept-Post", "application/json");
        }
    }

    private static boolean isJson(@Nullable String contentType) {
        if (contentType == null) {
            return false;
        }
        try {
            var type = MediaType.parseMediaType(contentType);
            var charset = type.getCharset();
            return type.getType().equals("application")
                    && (type.getSubtype().equals("json") || type.getSubtype().endsWith("+json"))
                    && (charset == null || charset.equals(StandardCharsets.UTF_8));
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    private byte[] bytes(HttpServletRequest request, int most) throws IOException {
        long length = request.getContentLengthLong();
        if (length > most) {
            throw tooLarge(most);
        }
        var in = request.getInputStream();
        var turn = Turn.current();
        var bytes = new ByteArrayOutputStream();
        var piece = new byte[length < 0 ? PIECE : Math.clamp(length, 1, PIECE)];
        long end = System.nanoTime() + patience.toNanos();
        for (int read = next(in, piece, turn); read >= 0; read = next(in, piece, turn)) {
            if (bytes.size() + read > most) {
                throw tooLarge(most);
            }
            if (System.nanoTime() - end > 0) {
                throw tooSlow();
            }
            // As it arrives: a body that is only announced takes nothing away from others.
            room.hold(request, bytes.size() + read);
            bytes.write(piece, 0, read);
        }
        turn.take();
        return bytes.toByteArray();
    }

    /// A small body is there with its headers; whoever has to wait for the rest lets others begin.
    private static int next(ServletInputStream in, byte[] piece, Turn turn) throws IOException {
        try {
            if (!in.isFinished() && in.available() == 0) {
                turn.giveUp();
            }
            return in.read(piece);
        } catch (IOException e) {
            // The container wraps it in one of its own.
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof SocketTimeoutException) {
                    throw tooSlow();
                }
            }
            throw e;
        }
    }

    private static ApiProblem tooSlow() {
        return ApiProblem.of(
                ProblemCode.BODY_TOO_SLOW, "The rest of the body did not come in time.");
    }

    private static ApiProblem tooLarge(int most) {
        return ApiProblem.of(
                        ProblemCode.PAYLOAD_TOO_LARGE,
                        "The body may have at most %d bytes.".formatted(most))
                .with("max", most);
    }

    private static String decode(byte[] bytes) {
        CharsetDecoder decoder =
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT);
        var in = ByteBuffer.wrap(bytes);
        var out = CharBuffer.allocate(bytes.length);
        var result = decoder.decode(in, out, true);
        out.flip();
        if (result.isError()) {
            var before = out.toString();
            int line = 1 + (int) before.chars().filter(c -> c == '\n').count();
            throw malformed(
                    "The body is not UTF-8.", line, before.length() - before.lastIndexOf('\n'));
        }
        return out.toString();
    }

    private static ApiProblem malformed(JacksonException e) {
        TokenStreamLocation at = e.getLocation();
        if (at == null) {
            at = TokenStreamLocation.NA;
        }
        // The parser's own words, without the excerpt of the body that it adds and without the
        // advice that it gives to programmers.
        var words =
                ADVICE.matcher(String.valueOf(e.getOriginalMessage()).split("\n", 2)[0])
                        .replaceAll("");
        var shortened = words.length() > 200 ? words.substring(0, 200) + "…" : words;
        return malformed(shortened, Math.max(1, at.getLineNr()), Math.max(1, at.getColumnNr()));
    }

    private static ApiProblem malformed(String words, int line, int column) {
        return ApiProblem.of(
                        ProblemCode.MALFORMED_JSON,
                        "Line %d, column %d: %s".formatted(line, column, printable(words)))
                .with("line", line)
                .with("column", column);
    }

    private static String printable(String words) {
        var characters = words.toCharArray();
        for (int i = 0; i < characters.length; i++) {
            if (Character.isISOControl(characters[i]) || Character.isSurrogate(characters[i])) {
                characters[i] = '?';
            }
        }
        return new String(characters);
    }
}
