package dev.comfyapi.api.contract;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Makes requests of the OpenAPI document: good ones, and good ones with something wrong. The same
/// seed makes the same requests, but for the ids of things, which come from the answers.
/// Thread-safe.
final class Fuzz {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final Pattern VARIABLE = Pattern.compile("\\{([^}]+)}");

    /// A value inside of another.
    private static final Pattern INNER = Pattern.compile("[0-9]+|\"[^\"]*\"(?=[,}\\]])");

    private static final String MADE_UP = "0198f3c2-7d41-7c55-9a3e-000000000000";
    private static final int KEPT_IDS = 50;

    /// Members of answers that name things, besides ids.
    private static final Set<String> NAMES = Set.of("pool", "worker", "next_cursor");

    private static final int DEEP = 500;

    /// Bytes of a body that is larger than the largest.
    static final int TOO_LARGE = 70_000;

    private static final List<String> METHODS =
            List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO");

    /// Texts that mean something to somebody on the way, as JSON.
    private static final List<String> TEXTS =
            List.of(
                    "\"\"",
                    "\" \"",
                    "\"\\u0000\"",
                    "\"a\\u0000b\"",
                    "\"\\ud800\"",
                    "\"\\udc00x\"",
                    "\"\\u202egnp.exe\"",
                    "\"e\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\"",
                    "\"🦊🦊🦊\"",
                    "\"'; DROP TABLE job; --\"",
                    "\"$$ %_ \\\\ {{7*7}} ${x} %s %n\"",
                    "\"../../etc/passwd\"",
                    "\"<img src=x onerror=alert(1)>\"",
                    "\"\\r\\nX-Injected: 1\"",
                    "\"9999-12-31T23:59:59.999999999Z\"",
                    "\"-999999999-01-01T00:00:00Z\"",
                    "\"2026-13-45T99:99:99Z\"",
                    "\"18446744073709551615\"",
                    "\"asset://" + MADE_UP + "\"",
                    "\"job://" + MADE_UP + "/artifacts/0\"",
                    "\"data:image/png;base64,iVBO\"",
                    "\"https://127.0.0.1:1/x\"",
                    "\"" + "x".repeat(6_000) + "\"");

    private static final List<String> NUMBERS =
            List.of(
                    "0",
                    "-0",
                    "-0.0",
                    "1",
                    "-1",
                    "1.5",
                    "2147483647",
                    "2147483648",
                    "-2147483649",
                    "9007199254740993",
                    "9223372036854775807",
                    "9223372036854775808",
                    "18446744073709551615",
                    "18446744073709551616",
                    "1e400",
                    "1e-400",
                    "1e999999999",
                    "0.1e1",
                    "9".repeat(900),
                    "9".repeat(1_100));

    private static final List<String> OTHERS =
            List.of(
                    "null",
                    "true",
                    "false",
                    "[]",
                    "{}",
                    "[null]",
                    "[[[]]]",
                    "{\"\": {}}",
                    "{\"__proto__\": {\"x\": 1}}",
                    "[" + "1,".repeat(2_000) + "1]",
                    "[".repeat(DEEP) + "]".repeat(DEEP),
                    "{\"a\":".repeat(DEEP) + "1" + "}".repeat(DEEP));

    private static final List<String> NO_JSON =
            List.of(
                    "",
                    " ",
                    "{",
                    "}",
                    "nonsense",
                    "NaN",
                    "{\"prompt\": NaN}",
                    "{\"prompt\": Infinity}",
                    "{'prompt': 'x'}",
                    "{\"prompt\": \"x\",}",
                    "{\"prompt\": \"x\"} {}",
                    "{\"prompt\": \"x\", \"prompt\": \"y\"}",
                    "// comment\n{}",
                    "\uFEFF{}",
                    "{\"prompt\": \"x",
                    "{\"prompt\": \"\\x\"}",
                    "\"text\"",
                    "17",
                    "null",
                    "[1, 2]");

    private static final List<String> SEGMENTS =
            List.of(
                    "nonsense",
                    "%00",
                    "a%00b",
                    "..",
                    "%2e%2e",
                    "%2f",
                    "%5c",
                    ";a=b",
                    "x;a=b",
                    "%25",
                    "%zz",
                    "%ff",
                    "%F0%9F%A6%8A",
                    "%0d%0aX-Injected:%201",
                    "null",
                    "-1",
                    "0",
                    "9999999999999999999",
                    "0198F3C2-7D41-7C55-9A3E-000000000000",
                    "x".repeat(300),
                    "'%20OR%201=1",
                    "*",
                    "$",
                    "a%20b",
                    "+");

    private static final List<String> TYPES =
            List.of(
                    "text/plain",
                    "application/xml",
                    "application/x-www-form-urlencoded",
                    "application/json; charset=UTF-16",
                    "application/json; charset=nonsense",
                    "application/vnd.x+json",
                    "multipart/form-data",
                    "multipart/form-data; boundary=x",
                    "nonsense",
                    "*/*",
                    "");

    private static final List<String> ACCEPTS =
            List.of(
                    "*/*",
                    "application/json",
                    "text/html",
                    "application/problem+json",
                    "image/png",
                    "text/event-stream",
                    "nonsense",
                    "application/json;q=0",
                    ";;;",
                    "");

    /// Headers beside those that are described.
    private static final List<String> HEADERS =
            List.of(
                    "X-Request-Id: " + "r".repeat(200),
                    "X-Request-Id: \u00fc",
                    "X-Odd: " + "o".repeat(9_000),
                    "Range: bytes=0-",
                    "Range: bytes=9-1,x",
                    "If-None-Match: *",
                    "If-None-Match: \"r0\", W/\"x\"",
                    "If-Match: nonsense",
                    "If-Modified-Since: yesterday",
                    "Prefer: wait=0, respond-async",
                    "Prefer: wait=x; ,,=",
                    "Last-Event-ID: 99999999999999999999",
                    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    "traceparent: nonsense",
                    "Content-Encoding: gzip",
                    "Idempotency-Key: " + "k".repeat(300),
                    "Idempotency-Key: \"quoted\"",
                    "Idempotency-Key: a b",
                    "Cookie: a=b; c",
                    "X-Forwarded-For: 1.2.3.4, nonsense",
                    "X-HTTP-Method-Override: DELETE",
                    "Accept-Language: x-nonsense, de;q=2",
                    "Accept-Charset: nonsense",
                    "Cancel-After: 30s",
                    "Cancel-After: -1y",
                    "Upgrade: h2c",
                    "Origin: https://elsewhere.example",
                    "Origin: null\r\nAccess-Control-Request-Method: POST",
                    "Cache-Control: no-cache");

    /// One pixel.
    private static final byte[] PICTURE =
            Base64.getDecoder()
                    .decode(
                            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
                                    + "awAAAABJRU5ErkJggg==");

    private static final String PICTURE_URL =
            "\"data:image/png;base64,%s\"".formatted(Base64.getEncoder().encodeToString(PICTURE));

    private final Contract contract;
    private final List<Contract.Operation> operations;
    private final long seed;
    private final Set<String> untouched;
    private final Map<String, ConcurrentLinkedDeque<String>> ids = new ConcurrentHashMap<>();

    /// @param untouched ids that nothing is to be done to: what the requests themselves need
    Fuzz(Contract contract, long seed, Set<String> untouched) {
        this.contract = contract;
        this.operations = contract.operations();
        this.seed = seed;
        this.untouched = Set.copyOf(untouched);
    }

    /// @param headers lines without their ends; `Authorization` is left to the sender
    /// @param body a character for each byte
    record Request(String method, String target, List<String> headers, String body) {

        byte[] bytes(List<String> more) {
            var head = new StringBuilder("%s %s HTTP/1.1\r\n".formatted(method, target));
            headers.forEach(header -> head.append(header).append("\r\n"));
            more.forEach(header -> head.append(header).append("\r\n"));
            head.append("\r\n").append(body);
            return head.toString().getBytes(StandardCharsets.ISO_8859_1);
        }

        /// The request as a command.
        String curl(String base, List<String> more) {
            var words = new StringBuilder("curl -si --path-as-is -X " + method);
            for (var header : Stream.concat(headers.stream(), more.stream()).toList()) {
                if (!header.startsWith("Content-Length") && !header.startsWith("Host")) {
                    words.append(" -H ")
                            .append(quoted(header.getBytes(StandardCharsets.ISO_8859_1)));
                }
            }
            if (!body.isEmpty()) {
                words.append(" --data-binary ")
                        .append(quoted(body.getBytes(StandardCharsets.ISO_8859_1)));
            }
            return words.append(' ')
                    .append(quoted((base + target).getBytes(StandardCharsets.ISO_8859_1)))
                    .toString();
        }

        private static String quoted(byte[] bytes) {
            var quoted = new StringBuilder("$'");
            for (byte b : bytes) {
                if (b == '\'' || b == '\\') {
                    quoted.append('\\').append((char) b);
                } else if (b >= ' ' && b < 0x7F) {
                    quoted.append((char) b);
                } else {
                    quoted.append("\\x%02x".formatted(b));
                }
            }
            return quoted.append('\'').toString();
        }
    }

    /// The request of this number.
    Request request(long number) {
        return new Making(new SplittableRandom(seed * 1_000_003 + number)).request();
    }

    /// Remembers what an answer names, to ask for it later.
    void learn(Contract.Answer answer) {
        if (answer.status() >= 300
                || !String.valueOf(answer.header("Content-Type")).startsWith("application/json")) {
            return;
        }
        try {
            learn(JSON.readTree(answer.body()));
        } catch (JacksonException _) {
            // The contract has said so.
        }
    }

    private void learn(JsonNode node) {
        for (var member : node.properties()) {
            var name = member.getKey();
            if ((name.endsWith("_id") || NAMES.contains(name)) && member.getValue().isString()) {
                know(name.replace("next_", ""), member.getValue().stringValue());
            }
            learn(member.getValue());
        }
        if (node.isArray()) {
            node.forEach(this::learn);
        }
    }

    void know(String name, String id) {
        if (untouched.contains(id)) {
            return;
        }
        var known = ids.computeIfAbsent(name, _ -> new ConcurrentLinkedDeque<>());
        known.addFirst(id);
        if (known.size() > KEPT_IDS) {
            known.pollLast();
        }
    }

    /// One request in the making.
    private final class Making {

        private final RandomGenerator random;

        Making(RandomGenerator random) {
            this.random = random;
        }

        private boolean chance(double of) {
            return random.nextDouble() < of;
        }

        private <T> T any(List<T> of) {
            return of.get(random.nextInt(of.size()));
        }

        Request request() {
            var operation = any(operations);
            var method = chance(0.03) ? any(METHODS) : operation.method();
            var headers = new ArrayList<String>();
            headers.add("Host: 127.0.0.1");
            var target = path(operation.path()) + query(operation.description(), headers);
            if (chance(0.3)) {
                headers.add(any(HEADERS));
            }
            if (chance(0.15)) {
                headers.add("Accept: " + any(ACCEPTS));
            }
            var body = body(operation.description(), headers);
            if (body.length > 0 || chance(0.5)) {
                headers.add("Content-Length: " + body.length);
            }
            return new Request(
                    method, target, headers, new String(body, StandardCharsets.ISO_8859_1));
        }

        private String path(String template) {
            if (chance(0.01)) {
                return any(List.of("//", "/../", "/.", "/%", "/\\", "/" + "a/".repeat(500), "*"));
            }
            var path =
                    VARIABLE.matcher(template)
                            .replaceAll(match -> Matcher.quoteReplacement(segment(match.group(1))));
            return chance(0.02) ? path + any(List.of("/", "//", "/x", ";", "%00", "?", "#")) : path;
        }

        private String segment(String name) {
            double kind = random.nextDouble();
            if (kind < 0.65) {
                return known(name);
            }
            return kind < 0.8 ? MADE_UP : any(SEGMENTS);
        }

        private String known(String name) {
            var known = ids.get(name);
            if (known == null || known.isEmpty()) {
                return MADE_UP;
            }
            Iterator<String> each = known.iterator();
            var id = each.next();
            for (int skip = random.nextInt(8); skip > 0 && each.hasNext(); skip--) {
                id = each.next();
            }
            return id;
        }

        /// Parameters of the query as text; those that are headers are added to these.
        private String query(JsonNode operation, List<String> headers) {
            var query = new ArrayList<String>();
            for (var reference : operation.path("parameters")) {
                var parameter = contract.resolve(reference);
                var name = parameter.path("name").stringValue();
                if (!chance(0.35)) {
                    continue;
                }
                var value = plain(chance(0.6) ? good(parameter.path("schema"), name, 0) : bad());
                switch (parameter.path("in").stringValue()) {
                    case "query" ->
                            query.add(
                                    encoded(name)
                                            + "="
                                            + (chance(0.95) ? encoded(value) : raw(value)));
                    case "header" -> headers.add(name + ": " + header(value));
                    default -> {
                        // In the path already.
                    }
                }
            }
            if (chance(0.05)) {
                query.add(
                        any(
                                List.of(
                                        "x=1",
                                        "limit=1&limit=2",
                                        "=",
                                        "&&",
                                        "a%00b=c",
                                        "%zz=1",
                                        "metadata[a]=b")));
            }
            return query.isEmpty() ? "" : "?" + String.join("&", query);
        }

        private static String encoded(String text) {
            return URLEncoder.encode(text, StandardCharsets.UTF_8);
        }

        private static String raw(String text) {
            return text.replaceAll("[^!-~]", "");
        }

        private static String header(String text) {
            return text.length() > 3_000
                    ? text.substring(0, 3_000)
                    : text.replaceAll("[\r\n\0]", "");
        }

        /// A value as it is written outside of JSON.
        private static String plain(String json) {
            try {
                var value = JSON.readTree(json);
                return value.isString() ? value.stringValue() : json;
            } catch (JacksonException _) {
                return json;
            }
        }

        private byte[] body(JsonNode operation, List<String> headers) {
            var content = contract.resolve(operation.path("requestBody")).path("content");
            if (content.isEmpty()) {
                return chance(0.02) ? "{}".getBytes(StandardCharsets.UTF_8) : new byte[0];
            }
            var type = content.propertyNames().iterator().next();
            if (chance(0.04)) {
                headers.add("Content-Type: " + any(TYPES));
            } else if (!type.startsWith("multipart")) {
                headers.add("Content-Type: " + type);
            }
            if (type.startsWith("multipart")) {
                return form(headers);
            }
            if (chance(0.005)) {
                return new byte[TOO_LARGE];
            }
            if (chance(0.06)) {
                return chance(0.2)
                        ? new byte[] {'{', (byte) 0xC3, (byte) 0x28, '}'}
                        : any(NO_JSON).getBytes(StandardCharsets.UTF_8);
            }
            return object(content.path(type)).getBytes(StandardCharsets.UTF_8);
        }

        private byte[] form(List<String> headers) {
            headers.add("Content-Type: multipart/form-data; boundary=edge");
            var form = new ByteArrayOutputStream();
            var name =
                    any(
                            List.of(
                                    "fox.png",
                                    "../../x",
                                    "a\u0000b",
                                    "\u202egnp",
                                    "x".repeat(300),
                                    ""));
            form.writeBytes(
                    "--edge\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n\r\n"
                            .formatted(chance(0.9) ? "file" : "other", name)
                            .getBytes(StandardCharsets.UTF_8));
            form.writeBytes(chance(0.6) ? PICTURE : plain(bad()).getBytes(StandardCharsets.UTF_8));
            if (chance(0.4)) {
                form.writeBytes(
                        "\r\n--edge\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s"
                                .formatted(
                                        any(
                                                List.of(
                                                        "purpose",
                                                        "tags",
                                                        "expires_in",
                                                        "expected_hash",
                                                        "x")),
                                        chance(0.5) ? "input" : plain(bad()))
                                .getBytes(StandardCharsets.UTF_8));
            }
            form.writeBytes(
                    (chance(0.95) ? "\r\n--edge--\r\n" : "").getBytes(StandardCharsets.UTF_8));
            return form.toByteArray();
        }

        /// A body: the example or one made of the schema, and in most cases something wrong with
        /// it.
        private String object(JsonNode type) {
            if (chance(0.03)) {
                return bad();
            }
            var members = members(type);
            double kind = random.nextDouble();
            if (kind < 0.3 || members.isEmpty()) {
                return text(members);
            }
            var name = any(List.copyOf(members.keySet()));
            if (kind < 0.7) {
                members.put(name, bad());
            } else if (kind < 0.8) {
                members.remove(name);
            } else if (kind < 0.9) {
                members.put(name + "s", "1");
            } else {
                // Somewhere further down.
                members.put(
                        name,
                        INNER.matcher(members.getOrDefault(name, "{}"))
                                .replaceFirst(Matcher.quoteReplacement(bad())));
            }
            return text(members);
        }

        private Map<String, String> members(JsonNode type) {
            var members = new LinkedHashMap<String, String>();
            var schema = contract.resolve(type.path("schema"));
            if (schema.has("oneOf")) {
                var choices = schema.path("oneOf");
                schema = contract.resolve(choices.get(random.nextInt(choices.size())));
            }
            var examples = type.path("examples");
            if (!examples.isEmpty() && chance(0.5)) {
                var names = List.copyOf(examples.propertyNames());
                contract.resolve(examples.path(any(names)))
                        .path("value")
                        .properties()
                        .forEach(member ->
                                members.put(member.getKey(), member.getValue().toString()));
                if (members.containsKey("url")) {
                    // Nobody outside is asked for anything.
                    members.put("url", chance(0.3) ? PICTURE_URL : "\"https://127.0.0.1:1/x\"");
                }
                return members;
            }
            var required =
                    schema.path("required")
                            .valueStream()
                            .map(JsonNode::stringValue)
                            .collect(Collectors.toSet());
            for (var member : schema.path("properties").properties()) {
                if (required.contains(member.getKey()) || chance(0.25)) {
                    members.put(member.getKey(), good(member.getValue(), member.getKey(), 0));
                }
            }
            return members;
        }

        private String text(Map<String, String> members) {
            return members.entrySet().stream()
                    .map(member ->
                            JSON.writeValueAsString(member.getKey()) + ": " + member.getValue())
                    .collect(Collectors.joining(", ", "{", "}"));
        }

        /// A value that the schema allows, as JSON.
        private String good(JsonNode reference, String name, int depth) {
            var schema = contract.resolve(reference);
            if (ids.containsKey(name) && chance(0.8)) {
                return JSON.writeValueAsString(known(name));
            }
            if (name.equals("model")) {
                return "\"sd15.safetensors\"";
            }
            if (schema.has("enum")) {
                return any(schema.path("enum").valueStream().toList()).toString();
            }
            if (schema.has("example") && chance(0.7)) {
                return schema.path("example").toString();
            }
            for (var choice : List.of("anyOf", "oneOf")) {
                if (schema.has(choice)) {
                    return good(any(schema.path(choice).valueStream().toList()), name, depth + 1);
                }
            }
            var type = schema.path("type");
            return switch (type.isArray() ? type.get(0).stringValue() : type.asString("object")) {
                case "integer", "number" -> number(schema);
                case "boolean" -> Boolean.toString(random.nextBoolean());
                case "array" ->
                        depth > 3
                                ? "[]"
                                : "[" + good(schema.path("items"), name + "[]", depth + 1) + "]";
                case "string" -> string(schema);
                case "null" -> "null";
                default -> depth > 3 ? "{}" : nested(schema, depth);
            };
        }

        private String nested(JsonNode schema, int depth) {
            var members = new LinkedHashMap<String, String>();
            for (var member : schema.path("properties").properties()) {
                if (chance(0.6)) {
                    members.put(
                            member.getKey(), good(member.getValue(), member.getKey(), depth + 1));
                }
            }
            if (schema.path("additionalProperties").isObject()) {
                members.put("a", good(schema.path("additionalProperties"), "a", depth + 1));
            }
            return text(members);
        }

        private String number(JsonNode schema) {
            long least = (long) schema.path("minimum").asDouble(0);
            long most = (long) schema.path("maximum").asDouble((double) (least + 1_000));
            return switch (random.nextInt(6)) {
                case 0 -> Long.toString(least);
                case 1 -> Long.toString(most);
                case 2 -> Long.toString(least - 1);
                case 3 -> Long.toString(most + 1);
                default -> Long.toString(random.nextLong(least, most + 1));
            };
        }

        private String string(JsonNode schema) {
            return switch (schema.path("format").asString("")) {
                case "uuid" -> "\"" + MADE_UP + "\"";
                case "date-time" -> "\"2026-09-01T12:00:00Z\"";
                default -> {
                    int most = schema.path("maxLength").asInt(20);
                    yield "\""
                            + "y"
                                    .repeat(
                                            chance(0.1)
                                                    ? Math.min(most, 6_000) + 1
                                                    : 1 + random.nextInt(Math.min(most, 20)))
                            + "\"";
                }
            };
        }

        private String bad() {
            return switch (random.nextInt(3)) {
                case 0 -> any(TEXTS);
                case 1 -> any(NUMBERS);
                default -> any(OTHERS);
            };
        }
    }
}
