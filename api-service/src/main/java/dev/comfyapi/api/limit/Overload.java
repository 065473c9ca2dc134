package dev.comfyapi.api.limit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemWriter;
import dev.comfyapi.api.http.Turn;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.util.concurrent.Semaphore;

/// Refuses at the door what could not be answered in good time: when too many requests are in the
/// house, which bounds memory, or when none gets its turn, which bounds the time. A refusal costs
/// next to nothing.
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 2)
final class Overload extends OncePerRequestFilter {

    private static final String API = "/api/";

    private final Semaphore room;
    private final Turns turns;

    Overload(LimitProperties properties, Turns turns) {
        this.room = new Semaphore(properties.inFlight());
        this.turns = turns;
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        // Whoever asks how the service is shall hear it most of all now.
        if (!request.getRequestURI().startsWith(API)) {
            chain.doFilter(request, response);
        } else if (!room.tryAcquire()) {
            ProblemWriter.write(request, response, turns.refusal());
        } else {
            try {
                inTurn(request, response, chain);
            } finally {
                room.release();
            }
        }
    }

    private void inTurn(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        var turn = turns.turn();
        try {
            turn.take();
        } catch (ApiProblem e) {
            ProblemWriter.write(request, response, e);
            return;
        }
        request.setAttribute(Turn.class.getName(), turn);
        try {
            chain.doFilter(request, response);
        } finally {
            turn.giveUp();
        }
    }
}
