package dev.comfyapi.api.job;

import dev.comfyapi.api.http.Presence;

import jakarta.servlet.http.HttpServletRequest;

import java.time.Duration;

/// How a client waits for a job.
///
/// @param base what absolute links start with
/// @param most how long; zero for not at all
/// @param presence whether it is still there
/// @param cancelsByLeaving whether its job is canceled when it is not
public record Waiting(
        int tenant, String base, Duration most, Presence presence, boolean cancelsByLeaving) {

    /// The wait of a client that may leave without consequences for the job.
    public static Waiting of(HttpServletRequest request, int tenant, String base, Duration most) {
        return new Waiting(tenant, base, most, Presence.of(request), false);
    }

    /// The wait of a client that submits: with `X-Cancel-On-Disconnect: true` its job is canceled
    /// when it goes away.
    public static Waiting ofSubmit(
            HttpServletRequest request, int tenant, String base, Duration most) {
        var cancels = "true".equalsIgnoreCase(request.getHeader("X-Cancel-On-Disconnect"));
        return new Waiting(tenant, base, most, Presence.of(request), cancels);
    }
}
