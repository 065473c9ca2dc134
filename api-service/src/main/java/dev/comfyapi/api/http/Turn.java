package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/// One of the few requests that are worked on at one time. Whoever has a turn and waits for the
/// network gives it up, so that slow clients keep nobody waiting but themselves.
///
/// Used by the thread that has the request.
public interface Turn {

    /// Of requests that need none.
    Turn NONE =
            new Turn() {
                @Override
                public void giveUp() {}

                @Override
                public void takeAgain() {}
            };

    /// The request's own.
    static Turn of(HttpServletRequest request) {
        return request.getAttribute(Turn.class.getName()) instanceof Turn turn ? turn : NONE;
    }

    /// That of the request which this thread has.
    static Turn current() {
        return RequestContextHolder.getRequestAttributes() instanceof ServletRequestAttributes known
                ? of(known.getRequest())
                : NONE;
    }

    /// Lets somebody else begin. May be repeated.
    void giveUp();

    /// Waits for a turn, if it was given up.
    ///
    /// @throws ApiProblem when that would take too long: 503
    void takeAgain();
}
