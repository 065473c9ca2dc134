package dev.comfyapi.api.http;

import org.springframework.web.context.request.RequestAttributes;
import org.springframework.web.context.request.RequestContextHolder;

/// One of the few requests that are worked on at one time. Who waits for the network has none, so
/// that slow clients keep nobody waiting but themselves.
///
/// Used by the thread that has the request.
public interface Turn {

    /// Of requests that need none.
    Turn NONE =
            new Turn() {
                @Override
                public void take() {}

                @Override
                public void giveUp() {}
            };

    /// That of the request which this thread has.
    static Turn current() {
        var request = RequestContextHolder.getRequestAttributes();
        return request != null
                        && request.getAttribute(
                                        Turn.class.getName(), RequestAttributes.SCOPE_REQUEST)
                                instanceof Turn turn
                ? turn
                : NONE;
    }

    /// Waits for the turn. Nothing happens when the request has it.
    ///
    /// @throws ApiProblem when that would take too long: 503
    void take();

    /// Lets somebody else begin. May be repeated.
    void giveUp();
}
