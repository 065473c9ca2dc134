package dev.comfyapi.simulator;

import tools.jackson.databind.node.ObjectNode;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;

/// What goes wrong with one HTTP request. The simulator's own routes are spared.
final class Mischief {

    private static final Duration A_SECOND = Duration.ofSeconds(1);

    private final Faults faults;
    private final String path;
    private final boolean spared;
    private final boolean isSubmit;
    private final boolean isDownload;

    Mischief(Faults faults, String method, String fullPath) {
        this.faults = faults;
        path = fullPath.startsWith("/api/") ? fullPath.substring("/api".length()) : fullPath;
        spared = path.startsWith(FaultRoutes.ROOT + "/");
        isSubmit = method.equals("POST") && path.equals("/prompt");
        isDownload = method.equals("GET") && path.equals("/view");
    }

    private boolean takes(FaultKind kind) {
        return !spared && faults.take(kind, fault -> fault.concerns(path)) != null;
    }

    /// Chance has its say, slow requests wait, and the connection may be cut at once.
    boolean cutsBefore() {
        if (isSubmit) {
            faults.submitArrives();
        }
        if (spared) {
            return false;
        }
        var slow = faults.on(FaultKind.SLOW_HTTP, fault -> fault.concerns(path));
        if (slow != null) {
            slow.time("delay").ifPresent(Faults::park);
        }
        return faults.on(FaultKind.CUT_HTTP, fault -> fault.concerns(path)) != null;
    }

    boolean fails() {
        return takes(FaultKind.HTTP_500);
    }

    HttpReply spoil(HttpReply reply) {
        var spoilt = reply;
        if (isSubmit && reply.status() == 200 && faults.takes(FaultKind.FOREIGN_REPLY)) {
            spoilt =
                    edited(spoilt, answer -> answer.put("prompt_id", UUID.randomUUID().toString()));
        }
        if (spoilt.isJson() && !spared && faults.isOn(FaultKind.NAN_JSON)) {
            spoilt = edited(spoilt, Json::withNaN);
        }
        if (spoilt.isJson() && takes(FaultKind.GARBAGE_JSON)) {
            var text = new String(spoilt.body(), StandardCharsets.UTF_8);
            spoilt = spoilt.withBody(text.substring(0, text.length() / 2) + "}\u0000<garbage");
        }
        return spoilt;
    }

    private interface Edit {
        ObjectNode of(ObjectNode answer);
    }

    /// Lists stay as they are.
    private static HttpReply edited(HttpReply reply, Edit edit) {
        try {
            return Json.parse(reply.body()) instanceof ObjectNode object
                    ? reply.withBody(Json.write(edit.of(object)))
                    : reply;
        } catch (Json.MalformedJson e) {
            throw new IllegalStateException("The simulator answered with bad JSON", e);
        }
    }

    /// Whether nobody hears of what was done.
    boolean cutsAfter(HttpReply reply) {
        return isSubmit && reply.status() == 200 && faults.takes(FaultKind.LOST_REPLY);
    }

    /// How many bytes of a download arrive.
    long downloads(long length) {
        return isDownload && faults.takes(FaultKind.TRUNCATED_DOWNLOAD) ? length / 2 : length;
    }

    Pace pace() {
        var slow = isDownload ? faults.on(FaultKind.SLOW_DOWNLOAD, _ -> true) : null;
        return new Pace(slow == null ? Long.MAX_VALUE : slow.whole("bytesPerSecond"));
    }

    /// How fast bytes flow.
    record Pace(long bytesPerSecond) {
        void waitFor(long bytes) {
            Faults.park(
                    Duration.ofNanos(
                            (long) ((double) bytes / bytesPerSecond * A_SECOND.toNanos())));
        }
    }
}
