from playing import played
import time
def test_x(tmp_path):
    a=time.monotonic()
    with played(tmp_path) as p:
        print('played', time.monotonic()-a)
        for r in p.proof():
            if not r.holds or r.expected: print(r)
        print([ (g['field'],g['owner']) for g in p.at_the_start])
        for d in p.book.deals:
            e=p.engagement(d.name); print(d.name,e.state,{k:str(v) for k,v in e.refs.items()}, p.answered(e).keys())
