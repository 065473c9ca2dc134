package dev.comfyapi.api.http;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.context.SmartLifecycle;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/// Before this instance closes its connections it asks its clients to, with `Connection: close` in
/// every answer: a request that is sent at the moment in which the server closes the connection has
/// no answer, and a client cannot know whether a POST was heard.
///
/// Connections on which nothing is asked meanwhile are closed by the server as ever.
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
final class Draining extends OncePerRequestFilter implements SmartLifecycle {

    private final HttpProperties properties;
    private volatile boolean running;
    private volatile boolean draining;

    Draining(HttpProperties properties) {
        this.properties = properties;
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (draining) {
            response.setHeader("Connection", "close");
        }
        chain.doFilter(request, response);
    }

    @Override
    public void start() {
        running = true;
    }

    /// Comes before the server stops to listen: its phase is an earlier one.
    @Override
    public void stop() {
        draining = true;
        running = false;
        try {
            TimeUnit.NANOSECONDS.sleep(properties.drain().toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
