import time
from .world import FaultWorld
def test_x(tmp_path, new_database):
    with FaultWorld(tmp_path, new_database) as w:
        f=w.firms[0]
        t=time.time(); f.fairlead.db; print("db",time.time()-t)
        rec=tmp_path/"rec"
        t=time.time()
        f.start_worker(record=str(rec), trap=str(f.trap))
        f.win("Deal 0001"); f.look_now()
        ok=f.carry_on(f.all_ended,30,0.05); print("end",ok,time.time()-t)
        t=time.time(); f.win("Deal 0002"); f.look_now()
        print(f.carry_on(f.all_ended,30,0.05),time.time()-t)
        print(f.verdict(), f.troubles())
        import json
        for l in open(rec):
            d=json.loads(l); print(d["thread"]%10000, d["place"], d.get("method",""), d.get("path",""))
        print((tmp_path/"a0"/"workers.log").read_text()[-3000:])
