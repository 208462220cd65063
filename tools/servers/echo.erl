%% An echo in Erlang's ssl: HOST PORT CERTIFICATE KEY VERSION TICKETS [CA | group=GROUP]
%%
%% TICKETS is stateful, stateless or disabled, of TLS 1.3; with a CA client certificates are
%% demanded; a GROUP is the only one of the key exchange.
-module(echo).
-export([main/1]).

main([Host, Port, Certificate, Key, Version, Tickets | More]) ->
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Address} = inet:parse_address(Host),
    Options = [binary, {packet, raw}, {active, false}, {reuseaddr, true}, {ip, Address},
               {certfile, Certificate}, {keyfile, Key}, {log_level, none}
               | tickets(Version, Tickets) ++ more(More)],
    {ok, Listener} = ssl:listen(list_to_integer(Port), Options),
    accept(Listener).

tickets("1.2", _) -> [{versions, ['tlsv1.2']}];
tickets("1.3", Tickets) -> [{versions, ['tlsv1.3']}, {session_tickets, list_to_atom(Tickets)}].

more([]) -> [];
more(["group=" ++ Group]) -> [{supported_groups, [list_to_atom(Group)]}];
more([CA]) -> [{cacertfile, CA}, {verify, verify_peer}, {fail_if_no_peer_cert, true}].

accept(Listener) ->
    {ok, Socket} = ssl:transport_accept(Listener),
    Pid = spawn(fun() -> receive go -> serve(Socket) end end),
    ssl:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listener).

serve(Socket) ->
    case ssl:handshake(Socket) of
        {ok, Secure} ->
            {ok, Told} = ssl:connection_information(Secure, [session_resumption]),
            io:format("resumed ~p~n", [proplists:get_value(session_resumption, Told)]),
            echo(Secure);
        {error, _} -> ok
    end.

echo(Socket) ->
    case ssl:recv(Socket, 0) of
        {ok, Data} -> ssl:send(Socket, Data), echo(Socket);
        {error, _} -> ssl:close(Socket)
    end.
