package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;

import java.util.concurrent.Semaphore;

/// How many bytes of bodies are looked at together. What is made of a body takes many times its
/// size, and large bodies at one time would be the end of the process.
final class BodyRoom {

    private static final String ENTERED = BodyRoom.class.getName();
    private static final int SHARE_OF_HEAP = 32;
    private static final int KIB = 1024;

    private final Semaphore kibibytes;

    private BodyRoom(long bytes) {
        this.kibibytes = new Semaphore(kibibytes(bytes));
    }

    static BodyRoom of(HttpProperties properties) {
        var given = properties.bodyRoom();
        long bytes =
                given == null ? Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP : given.toBytes();
        return new BodyRoom(Math.max(properties.maxBody().toBytes(), bytes));
    }

    private static int kibibytes(long bytes) {
        return (int) Math.min(Integer.MAX_VALUE, bytes / KIB + 1);
    }

    private record Entered(Semaphore room, int kibibytes) {}

    /// Holds room for so much of the request's body as has arrived.
    ///
    /// @throws ApiProblem when there is no room just now
    void hold(HttpServletRequest request, long bytes) {
        int needed = kibibytes(bytes);
        int held = request.getAttribute(ENTERED) instanceof Entered entered ? entered.kibibytes : 0;
        if (needed <= held) {
            return;
        }
        if (!kibibytes.tryAcquire(needed - held)) {
            throw ApiProblem.of(
                            ProblemCode.TEMPORARILY_OVERLOADED,
                            "The service is busy with other large bodies.")
                    .header("Retry-After", "1");
        }
        request.setAttribute(ENTERED, new Entered(kibibytes, needed));
    }

    /// Nothing happens when the request holds none.
    static void leave(HttpServletRequest request) {
        if (request.getAttribute(ENTERED) instanceof Entered entered) {
            request.removeAttribute(ENTERED);
            entered.room.release(entered.kibibytes);
        }
    }
}
